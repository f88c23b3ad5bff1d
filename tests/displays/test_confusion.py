from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts

import nncore as nn
from nncore.displays import ConfusionDisplay
from nncore.errors import DataError, ShapeError


def test_counts_and_shares():
    true, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    display = ConfusionDisplay.from_predictions(true, predicted)
    texts: dict[tuple[int, int], list[str]] = {}
    for text in display.ax_.texts:
        column, row = (round(place) for place in text.get_position())
        texts.setdefault((row, column), []).append(text.get_text())
    expected = {(0, 0): ["1", "50 %"], (0, 1): ["1", "50 %"], (1, 1): ["1", "100 %"], (2, 0): ["1", "33 %"], (2, 2): ["2", "67 %"]}
    assert texts == expected
    np.testing.assert_array_equal(display.counts, [[1, 1, 0], [0, 1, 0], [1, 0, 2]])
    np.testing.assert_allclose(display.shares, [[0.5, 0.5, 0], [0, 1, 0], [1 / 3, 0, 2 / 3]])
    np.testing.assert_allclose(display.ax_.images[0].get_array(), display.shares)
    assert display.ax_.get_title() == "66.67 % of 6 correct"
    drawn(display.figure_)


def test_names_of_classes_that_do_not_occur_keep_their_row():
    names = ["setosa", "versicolor", "virginica"]
    display = ConfusionDisplay.from_predictions([0, 2], [0, 0], names=names)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == names
    assert display.counts.shape == (3, 3)
    np.testing.assert_array_equal(display.shares[1], 0)


def test_long_names_leave_room_for_the_picture():
    display = ConfusionDisplay.from_predictions(["a very long name of a class indeed"] * 3 + ["b"], ["b"] * 4)
    assert display.names == ["a very long name of a class indeed", "b"]
    assert display.ax_.get_yticklabels()[0].get_text() == "a very long name of…"
    display.figure_.canvas.draw()
    title = display.ax_.title.get_window_extent()
    assert title.x0 >= 0
    assert title.x1 <= display.figure_.bbox.x1


def test_a_regression_is_refused():
    with pytest.raises(DataError, match="ResidualsDisplay shows a regression"):
        ConfusionDisplay.from_predictions([0.5, 1.0], [1.0, 1.0])


def test_strings():
    display = ConfusionDisplay.from_predictions(["b", "a", "b"], ["b", "a", "a"])
    assert display.names == ["a", "b"]
    np.testing.assert_allclose(display.shares, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("n_classes", [1, 12, 13, 31])
def test_texts_do_not_overlap(n_classes: int):
    y = np.random.default_rng(0).integers(0, n_classes, (2, 2000))
    display = ConfusionDisplay.from_predictions(*y, names=[f"class {i}" for i in range(n_classes)])
    assert overlapping_texts(display.figure_) == []
    assert bool(display.ax_.texts) == (n_classes <= 30)


@pytest.mark.parametrize(
    ("true", "predicted", "names"),
    [
        ([0, 1], [0], None),
        ([], [], None),
        ([[0, 1]], [[0, 1]], None),
        ([0, 2], [0, 2], ["a", "b"]),
        ([-1, 0], [0, 0], ["a"]),
        (["x"], ["y"], ["x"]),
    ],
)
def test_what_does_not_fit(true: list, predicted: list, names: list[str] | None):
    with pytest.raises(ShapeError):
        ConfusionDisplay.from_predictions(true, predicted, names=names)


def test_counts_that_do_not_fit_the_names():
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        ConfusionDisplay([[1, 2, 3]], names=["a", "b"])


def test_networks_and_estimators():
    from sklearn.linear_model import LogisticRegression

    X = np.random.default_rng(0).normal(size=(60, 2))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    net = nn.Sequential(nn.Dense(3)).build(2, loss="softmax_cross_entropy", rng=0)
    counts = ConfusionDisplay.from_estimator(net, X, y).counts
    assert counts.trace() == round(net.evaluate(X, y)["accuracy"] * 60)
    yes_no = nn.Sequential(nn.Dense(1)).build(2, loss="binary_cross_entropy", rng=0)
    counts = ConfusionDisplay.from_estimator(yes_no, X, y > 0).counts
    assert counts.trace() == round(yes_no.evaluate(X, (y > 0).astype(float))["accuracy"] * 60)
    model = LogisticRegression().fit(X, np.array(["a", "b", "c"])[y])
    display = ConfusionDisplay.from_estimator(model, X, np.array(["a", "b", "c"])[y])
    assert display.names == ["a", "b", "c"]
    assert display.counts.trace() == round(model.score(X, np.array(["a", "b", "c"])[y]) * 60)

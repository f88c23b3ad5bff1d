from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts
from matplotlib.figure import Figure

import nncore as nn
from nncore.displays import DecisionRegionDisplay
from nncore.errors import ParameterError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


def halves(n_outputs: int) -> nn.Sequential:
    """Class 1 where the first feature is positive."""
    net = nn.Sequential(nn.Dense(n_outputs)).build(2, loss="binary_cross_entropy" if n_outputs == 1 else "softmax_cross_entropy", rng=0)
    net.parameters[...] = 0
    net.named_parameters()["dense_1.weight"][0, -1] = 5
    return net


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_regions_of_a_network(n_outputs: int):
    labels = (X[:, 0] > 0).astype(int)
    labels[:4] = 1 - labels[:4]
    display = DecisionRegionDisplay.from_estimator(halves(n_outputs), X, labels, resolution=50)
    winner = display.probability.argmax(axis=2)
    np.testing.assert_array_equal(winner, np.broadcast_to(display.x > 0, winner.shape))
    np.testing.assert_allclose(display.probability.sum(axis=2), 1, rtol=1e-6)
    np.testing.assert_array_equal(np.flatnonzero(display.wrong), [0, 1, 2, 3])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["0", "1", "wrong: 4 of 90"]
    shades = display.ax_.images[0].get_array()
    assert shades.shape == (50, 50, 3)
    middle = np.abs(display.x).argmin()
    assert shades[0, 0].min() < shades[0, middle].min(), "the colour is deeper where the probability is higher"
    assert overlapping_texts(display.figure_) == []


def test_estimators_with_and_without_probabilities():
    from sklearn.linear_model import LogisticRegression, RidgeClassifier

    names = np.array(["a", "b", "c"])[CLASSES]
    for model in (LogisticRegression().fit(X, names), RidgeClassifier().fit(X, names)):
        display = DecisionRegionDisplay.from_estimator(model, X, names, resolution=40)
        assert display.classes == ["a", "b", "c"]
        assert display.wrong.sum() == round(90 * (1 - model.score(X, names)))
        drawn(display.figure_)


def test_frames_name_the_axes_and_reach_the_estimator_as_frames():
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(X, columns=["bill", "flipper"])
    display = DecisionRegionDisplay.from_estimator(LogisticRegression().fit(frame, CLASSES), frame, CLASSES, names=["x", "y", "z"])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("bill", "flipper")
    assert display.classes == ["x", "y", "z"]


def test_without_points_into_a_given_axes():
    ax = Figure().subplots()
    display = DecisionRegionDisplay.from_estimator(halves(2), X, ax=ax, resolution=20, feature_names=["u", "v"])
    assert display.ax_ is ax
    assert display.points is None
    drawn(ax.get_figure())


def test_classes_have_their_own_marker_too():
    display = DecisionRegionDisplay.from_estimator(halves(2), X, (X[:, 0] > 0).astype(int), resolution=20)
    first, second = display.ax_.collections[-2:]
    assert not np.array_equal(first.get_paths()[0].vertices, second.get_paths()[0].vertices)


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match="two features"):
        DecisionRegionDisplay.from_estimator(halves(2), np.zeros((5, 3)))
    with pytest.raises(ParameterError, match="not one of the estimator's classes"):
        DecisionRegionDisplay.from_estimator(halves(2), X, CLASSES)
    with pytest.raises(ShapeError, match="y must have one class"):
        DecisionRegionDisplay.from_estimator(halves(2), X, [0, 1])
    with pytest.raises(ShapeError, match="3 names"):
        DecisionRegionDisplay.from_estimator(halves(2), X, names=["a", "b", "c"])
    with pytest.raises(ParameterError, match="resolution"):
        DecisionRegionDisplay.from_estimator(halves(2), X, resolution=1)
    with pytest.raises(ParameterError, match="at most 8 classes"):
        DecisionRegionDisplay.from_estimator(halves(9), X)
    with pytest.raises(ShapeError, match="probability"):
        DecisionRegionDisplay(x=np.zeros(3), y=np.zeros(4), probability=np.zeros((3, 4, 2)), classes=["a", "b"])

from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts
from matplotlib.figure import Figure

import nncore as nn
from nncore.displays import ResidualsDisplay
from nncore.errors import DataError, ShapeError


@pytest.mark.parametrize("n", [1, 2, 50, 3000])
def test_predictions_and_residuals(n: int):
    rng = np.random.default_rng(0)
    true = rng.gamma(2, 3, n)
    predicted = true + rng.normal(size=n)
    display = ResidualsDisplay.from_predictions(true, predicted, name="price")
    np.testing.assert_allclose(display.residuals, true - predicted)
    left, right = display.axes_
    assert (left.get_xlabel(), left.get_ylabel()) == ("true price", "predicted price")
    assert right.get_title() == f"mean {display.residuals.mean():.3g}, standard deviation {display.residuals.std():.3g}"
    shown = right.patches[0].get_data().values.sum()
    hidden = int(right.texts[0].get_text().split()[0]) if right.texts else 0
    assert shown + hidden == n
    assert overlapping_texts(display.figure_) == []


def test_long_numbers_do_not_run_into_each_other():
    rng = np.random.default_rng(0)
    true = rng.uniform(15_000, 500_000, 1500)
    display = ResidualsDisplay.from_predictions(true, true + rng.normal(0, 80_000, 1500))
    assert overlapping_texts(display.figure_) == []


def test_a_few_points_are_drawn_as_they_are():
    display = ResidualsDisplay.from_predictions([1.0, 2.0], [1.5, 2.0])
    np.testing.assert_array_equal(display.ax_.collections[0].get_offsets(), [[1.0, 1.5], [2.0, 2.0]])


def test_all_predictions_alike():
    drawn(ResidualsDisplay.from_predictions([5.0, 5.0], [5.0, 5.0]).figure_)


def test_predictions_go_into_a_given_axes():
    ax = Figure().subplots()
    display = ResidualsDisplay.from_predictions([1.0, 2.0, 3.0], [1.5, 2.0, 4.0], ax=ax)
    assert list(display.axes_) == [ax]
    drawn(ax.get_figure())


@pytest.mark.parametrize(("true", "predicted"), [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [[1.0]])])
def test_what_does_not_fit(true: list, predicted: list):
    with pytest.raises(ShapeError, match="two vectors"):
        ResidualsDisplay.from_predictions(true, predicted)


def test_what_is_not_finite():
    with pytest.raises(DataError, match="finite"):
        ResidualsDisplay.from_predictions([1.0, np.nan], [1.0, 2.0])


def test_networks_and_estimators():
    from sklearn.linear_model import LinearRegression

    X = np.random.default_rng(0).normal(size=(30, 2))
    y = X @ [1.0, -2.0]
    net = nn.Sequential(nn.Dense(1)).build(2, rng=0)
    np.testing.assert_allclose(ResidualsDisplay.from_estimator(net, X, y[:, None]).residuals, y - net.predict(X)[:, 0], rtol=1e-6)
    assert np.abs(ResidualsDisplay.from_estimator(LinearRegression().fit(X, y), X, y).residuals).max() < 1e-9


def test_classes_are_refused():
    with pytest.raises(DataError, match="ConfusionDisplay compares classes"):
        ResidualsDisplay.from_predictions(["a", "b"], [1, 2])

from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts
from matplotlib.figure import Figure

import nncore as nn
from nncore.displays import ValidationCurveDisplay
from nncore.errors import DataError, ParameterError, ShapeError

UNDER, GOOD, OVER = "under-fitting", "good", "over-fitting"


def curve(train: list, validation: list, **options: object) -> ValidationCurveDisplay:
    values = options.pop("param_values", [2**i for i in range(len(train))])
    return ValidationCurveDisplay(param_values=values, train_scores=train, validation_scores=validation, **options)


def test_capacity_goes_from_under_to_over_fitting():
    display = curve([9, 5, 3, 2, 1], [10, 6, 5, 5.1, 9])
    assert display.best_ == 2
    assert display.regions_ == [UNDER, UNDER, GOOD, GOOD, OVER]


def test_weight_decay_goes_the_other_way():
    assert curve([1, 2, 3, 5, 9], [9, 5.1, 5, 6, 10]).regions_ == [OVER, GOOD, GOOD, UNDER, UNDER]


def test_a_score_that_is_better_when_higher():
    assert curve([0.5, 0.8, 0.95], [0.5, 0.75, 0.6], higher_is_better=True).regions_ == [UNDER, GOOD, OVER]


def test_repetitions_decide_what_is_as_good_as_the_best():
    train = [[3, 3], [2, 2], [1, 1]]
    certain, uncertain = [[5.5, 5.5], [4.99, 5.01], [5.5, 5.5]], [[5.5, 5.5], [4, 6], [5.5, 5.5]]
    assert curve(train, certain).regions_ == [UNDER, GOOD, OVER]
    assert curve(train, uncertain).regions_ == [GOOD, GOOD, GOOD]  # the standard error of 4 and 6 is 1


def test_a_good_value_behind_a_bad_one_is_not_in_the_good_region():
    assert curve([5, 4, 3, 2], [5, 9, 5.1, 9]).regions_ == [GOOD, OVER, OVER, OVER]


@pytest.mark.parametrize("n_repetitions", [1, 4])
def test_picture(n_repetitions: int):
    noise = 0.1 * np.random.default_rng(0).random((5, n_repetitions))
    train, validation = (np.array([9.0, 5, 3, 2, 1])[:, None] + noise for _ in range(2))
    validation = validation + np.array([1.0, 1, 1, 3, 8])[:, None]
    display = curve(train, validation, param_name="units", score_name="error").plot()
    assert display.ax_.get_xscale() == "log"
    names = [text.get_text() for text in display.ax_.texts]
    assert names == list(dict.fromkeys(display.regions_))
    assert {UNDER, GOOD, OVER} == set(names)
    np.testing.assert_allclose(display.ax_.lines[1].get_ydata(), validation.mean(axis=1))
    bands = [c for c in display.ax_.collections if c.get_alpha() == 0.2]
    assert len(bands) == (2 if n_repetitions > 1 else 0)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("units", "error")
    assert overlapping_texts(display.figure_) == []


def test_names_of_narrow_regions_stand_upright():
    display = curve([9, 5, 4, 3, 2, 1] + [0.9] * 14, [10, 6, 5, 8, 9, 9] + [9] * 14, param_values=list(range(20))).plot()
    assert overlapping_texts(display.figure_) == []
    assert display.ax_.texts[1].get_rotation() == 90


@pytest.mark.parametrize("values", [[0.0, 0.001, 0.01, 0.1], ["relu", "tanh", "selu", "elu"], [1, 2, 3, 4], [0.001, 0.01, 0.1, 1.0]])
def test_kinds_of_values(values: list):
    display = curve([4, 3, 2, 1], [4, 3, 3.5, 5], param_values=values).plot(ax=Figure().subplots())
    drawn(display.figure_)
    named = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert named == [str(value) if isinstance(value, str) else f"{value:g}" for value in values]


def test_networks_are_fitted_and_scored():
    rng = np.random.default_rng(0)
    X, X_val = rng.uniform(-2, 2, (40, 1)), rng.uniform(-2, 2, (200, 1))
    y, y_val = (np.sin(3 * Z) + 0.2 * rng.normal(size=Z.shape) for Z in (X, X_val))
    calls = []

    def fit(n_units: int, rng: int) -> nn.Sequential:
        calls.append((n_units, rng))
        net = nn.Sequential(nn.Dense(n_units, activation="tanh"), nn.Dense(1))
        net.fit(X, y, loss="mse", optimizer=nn.Adam(lr=0.03), epochs=200, batch_size=40, rng=rng, progress=False)
        return net

    display = ValidationCurveDisplay.from_networks(
        fit, [1, 16], train=(X, y), validation=(X_val, y_val), n_repetitions=2, param_name="units"
    )
    assert calls == [(1, 0), (1, 1), (16, 0), (16, 1)]
    assert display.train_scores.shape == (2, 2)
    assert display.train_scores[1, 0] == pytest.approx(fit(16, 0).evaluate(X, y)["loss"])
    assert display.regions_ == [UNDER, GOOD]
    drawn(display.figure_)
    with pytest.raises(ParameterError, match="evaluate gives loss"):
        ValidationCurveDisplay.from_networks(fit, [1], train=(X, y), validation=(X_val, y_val), n_repetitions=1, score="accuracy")


def test_an_estimator_is_cross_validated():
    from sklearn.model_selection import validation_curve
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = (X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=120) > 0).astype(int)
    tree, options = DecisionTreeClassifier(random_state=0), {"param_name": "max_depth", "param_range": [1, 3, 12]}
    display = ValidationCurveDisplay.from_estimator(tree, X, y, **options, cv=3)
    train, test = validation_curve(tree, X, y, **options, cv=3)
    np.testing.assert_array_equal(display.train_scores, train)
    np.testing.assert_array_equal(display.validation_scores, test)
    assert display.higher_is_better
    assert display.ax_.get_xlabel() == "max_depth"


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match="3 values"):
        curve([1, 2], [1, 2], param_values=[1, 2, 3])
    with pytest.raises(DataError, match="NaN"):
        curve([1, np.nan], [1, 2])
    with pytest.raises(ParameterError, match="must increase"):
        curve([1, 2], [1, 2], param_values=[2, 1])

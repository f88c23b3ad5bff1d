"""A continued fit applies each changed argument or refuses it, in `fit` and `partial_fit`."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from alternatives import BASE, NEUTRAL, OTHER, X, Y, alternatives, outcome, quietly

import nncore as nn
from nncore.errors import NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.mlp import ONLY_FIT

SOLVERS = ({"solver": "adam"}, {"solver": "sgd", "learning_rate": "invscaling"})
#: Arguments that one epoch does not depend on.
NOT_OF_AN_EPOCH = {*ONLY_FIT, "tol", "n_iter_no_change"}


def go_on(model, method, cls, **changes):
    """Continue training with other arguments. Returns the result, or the message of the error."""
    model = copy.deepcopy(model).set_params(**changes)
    before = outcome(model)
    try:
        said = quietly(getattr(model, method), X, Y[cls])
    except NNCoreError as error:
        assert outcome(model) == before
        return str(error)
    return next((text for text in said if "is ignored" in text), None) or outcome(model)


@pytest.mark.parametrize(
    ("cls", "solver"),
    [
        (MLPRegressor, SOLVERS[1]),
        (MLPClassifier, SOLVERS[0]),
        pytest.param(MLPRegressor, SOLVERS[0], marks=pytest.mark.slow),
        pytest.param(MLPClassifier, SOLVERS[1], marks=pytest.mark.slow),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_change_is_obeyed_or_refused(cls, method, solver):
    model = cls(**BASE | solver, warm_start=True)
    quietly(model.fit, X, Y[cls])
    usual = go_on(model, method, cls)
    assert not isinstance(usual, str), usual
    for name, value in alternatives(cls).items():
        if name == "learning_rate" and method == "partial_fit":
            value = "constant" if solver["solver"] == "sgd" else "cosine"  # the length of its schedule is unknown
            if solver["solver"] == "adam":
                continue
        found = go_on(model, method, cls, **{name: value if name != "warm_start" else False})
        if isinstance(found, str):
            assert name in found, (name, found)
        elif name not in NEUTRAL and not (method == "partial_fit" and name in NOT_OF_AN_EPOCH):
            assert found != usual, name


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", ["loss", "hidden_layer_sizes", "activation", "layers", "dtype", "standardize", "categorical_features"])
def test_another_network_is_refused(method, name):
    model = MLPRegressor(**BASE, warm_start=True)
    quietly(model.fit, X, Y[MLPRegressor])
    before, shown = outcome(model), repr(model.network_)
    value = alternatives(MLPRegressor)[name]
    with pytest.raises(ParameterError, match=f"made with {name}=.*, but now {name}=.*: set it back"):
        getattr(model.set_params(**{name: value}), method)(X, Y[MLPRegressor])
    assert (outcome(model), repr(model.network_)) == (before, shown)


def test_an_optimizer_keeps_its_state_when_a_number_changes():
    model = MLPRegressor(**BASE | {"solver": "sgd"})
    for _ in range(3):
        model.partial_fit(X, Y[MLPRegressor])
    optimizer, velocity = model.network_.optimizer, np.concatenate([array.ravel() for array in model.network_.optimizer_state.values()])
    model.set_params(learning_rate_init=1e-12).partial_fit(X, Y[MLPRegressor])
    assert model.network_.optimizer is optimizer
    assert optimizer.lr == 1e-12
    later = np.concatenate([array.ravel() for array in model.network_.optimizer_state.values()])
    assert np.corrcoef(later, velocity)[0, 1] > 0.5
    model.set_params(solver=nn.AdaGrad(lr=0.1), learning_rate_init=0.001).partial_fit(X, Y[MLPRegressor])
    assert isinstance(model.network_.optimizer, nn.AdaGrad)


# ---- comparisons ------------------------------------------------------------------------------------------------------------

X_val, other_X_val = X[:15], np.column_stack([X[20:, 0], 3 + X[20:, 1:]])
y_val, other_y_val = np.sin(X_val[:, 1]) + X_val[:, 0], 50 + other_X_val[:, 0]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    ("changes", "validation"),
    [
        ({}, {"X_val": other_X_val, "y_val": other_y_val}),
        ({"scoring": "loss"}, {"X_val": X_val, "y_val": y_val}),
        ({"scoring": "neg_median_absolute_error"}, {"X_val": X_val, "y_val": y_val}),
        ({}, {"X_val": X_val, "y_val": y_val, "sample_weight_val": np.arange(15.0)}),
    ],
    ids=["other samples", "the loss", "a scorer", "other weights"],
)
def test_a_new_judge_begins_a_new_comparison(solver, changes, validation):
    few = {"hidden_layer_sizes": (5,), "random_state": 0, "warm_start": True, "max_iter": 3}
    model = MLPRegressor(**few, solver=solver)
    quietly(model.fit, X, Y[MLPRegressor], X_val=X_val, y_val=y_val)
    first = copy.deepcopy(model)
    y = Y[MLPRegressor] if "y_val" not in validation or validation["y_val"] is y_val else np.full(40, 50.0)
    quietly(model.set_params(**changes, max_iter=10).fit, X, y, **validation)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert (model.predict(X) != first.predict(X)).any()


def test_the_network_that_a_fit_goes_on_with_is_rated_by_the_new_judge():
    model = MLPRegressor(hidden_layer_sizes=(5,), random_state=0, warm_start=True, max_iter=30, learning_rate_init=0.05)
    quietly(model.fit, X, Y[MLPRegressor], X_val=X_val, y_val=y_val)
    before, rating = model.predict(X), -np.abs(model.predict(X_val) - y_val).mean()
    worse = model.set_params(scoring="mae", learning_rate_init=5.0, max_iter=2)
    quietly(worse.fit, X, -100 * Y[MLPRegressor], X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.best_validation_score_ == pytest.approx(rating)


def test_losses_of_other_data_are_not_compared():
    """Losses on other data are not compared: the second targets are harder, so their loss falls but stays above the first fit's."""
    model = MLPRegressor(hidden_layer_sizes=(5,), random_state=0, warm_start=True, max_iter=60, learning_rate_init=0.01)
    quietly(model.fit, X, Y[MLPRegressor])
    quietly(model.fit, X, 100 * Y[MLPRegressor])
    assert model.n_iter_ == 60
    assert model.best_loss_ == min(model.loss_curve_[-60:]) > min(model.loss_curve_)
    quietly(model.fit, X, Y[MLPRegressor], sample_weight=np.linspace(1, 50, 40))
    assert model.n_iter_ > 12


def test_a_fit_without_judge_forgets_the_score():
    model = MLPRegressor(hidden_layer_sizes=(5,), random_state=0, warm_start=True, max_iter=3)
    quietly(model.fit, X, Y[MLPRegressor], X_val=X_val, y_val=y_val)
    quietly(model.fit, X, Y[MLPRegressor])
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None


def test_weights_of_no_validation_samples():
    with pytest.raises(ParameterError, match="sample_weight_val needs X_val and y_val"):
        MLPRegressor().fit(X, Y[MLPRegressor], sample_weight_val=np.ones(3))


@pytest.mark.parametrize("random_state", [0, 1])
def test_the_order_of_partial_fit_comes_from_random_state(random_state):
    def trained(states):
        model = MLPRegressor(**{**BASE, "random_state": 0})
        for state in states:
            model.set_params(random_state=state).partial_fit(X, Y[MLPRegressor])
        return outcome(model)

    assert trained([0, random_state]) == trained([0, random_state])
    assert (trained([0, random_state]) == trained([0, 0])) == (random_state == 0)
    assert OTHER["random_state"] == 1

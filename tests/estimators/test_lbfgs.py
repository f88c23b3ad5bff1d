"""Fits by L-BFGS: validation, dtypes and layers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor

rng = np.random.default_rng(2)
X = rng.normal(size=(40, 5))
y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=40)


def test_convergence_is_told():
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iteration"):
        MLPRegressor(solver="lbfgs", max_iter=2, random_state=0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        model = MLPRegressor(solver="lbfgs", max_fun=5, random_state=0).fit(X, y)
    assert model.n_iter_ <= 5
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0, alpha=0, tol=1e-8, max_iter=1000).fit(X, y)
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose([*model.coefs_[0][:, 0], model.intercepts_[0][0]], solution, rtol=1e-3, atol=1e-5)
    assert len(model.loss_curve_) == len(model.history_) == model.n_iter_
    assert model.loss_curve_[-1] == pytest.approx(model.loss_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_validation_data_choose_the_network(dtype):
    rng = np.random.default_rng(0)
    fresh = rng.normal(size=(60, 5))
    truth = fresh[:, 0] * fresh[:, 1]
    model = MLPRegressor(hidden_layer_sizes=60, solver="lbfgs", alpha=0, random_state=0, dtype=dtype, normalization="batch_norm")
    model.fit(X, y, X_val=fresh, y_val=truth)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.validation_scores_[-1] < model.best_validation_score_  # training continued and overfitted
    assert model.score(fresh, truth) == pytest.approx(model.best_validation_score_, rel=1e-5)


def test_dropout_inside_another_layer_is_refused():
    layers = [nn.Residual([nn.Dropout(0.5), nn.Dense(5)])]
    with pytest.raises(ParameterError, match=r"but residual_1\.dropout_1 changes it"):
        MLPRegressor(solver="lbfgs", layers=layers).fit(X, y)


def test_constraints_are_refused_and_regularizers_count():
    settings = {"solver": "lbfgs", "random_state": 0, "max_iter": 2000}
    with pytest.raises(ParameterError, match=r"does not support constraints, such as NonNegative\(\) of dense_1\.weight"):
        MLPRegressor(layers=[nn.Dense(3, weight_constraint="non_negative")], **settings).fit(X, y)
    plain, drawn = (MLPRegressor(layers=[nn.Dense(3, weight_regularizer=rule)], **settings).fit(X, y) for rule in (None, nn.L2(1.0)))
    size, smaller = (np.abs(model.network_.named_parameters()["dense_1.weight"]).sum() for model in (plain, drawn))
    assert smaller < 0.5 * size


def test_a_fit_that_overflows_leaves_the_network_where_it_was():
    model = MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", warm_start=True, max_iter=300, random_state=0).fit(X, y)
    before = model.network_.parameters.copy()
    with pytest.raises(DataError, match="non-finite"):
        model.fit(X, y * 1e200)
    np.testing.assert_array_equal(model.network_.parameters, before)
    assert model.network_.weight_decay == 0


def test_partial_fit_is_not_there():
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(MLPClassifier(solver="adamw"), "partial_fit")

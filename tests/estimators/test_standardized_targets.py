"""`MLPRegressor(standardize_target=True)` predicts in the unit of y, with a network trained on numbers near 1."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from nncore.errors import DataError, ParameterError
from nncore.estimators import MLPRegressor

MANY = {"hidden_layer_sizes": (16,), "activation": "tanh", "learning_rate_init": 0.01, "max_iter": 60, "tol": 0.0, "random_state": 0}


def samples(n_targets: int = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 4))
    y = 3e5 + 1e4 * (X[:, :1] + np.sin(X[:, 1:2])) * np.arange(1, max(n_targets, 1) + 1)
    return X, y if n_targets else y[:, 0]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("n_targets", [0, 3])
def test_it_is_the_fit_of_scaled_targets(n_targets: int) -> None:
    X, y = samples(n_targets)
    inside = MLPRegressor(standardize_target=True, **MANY).fit(X, y)
    outside = TransformedTargetRegressor(MLPRegressor(**MANY), transformer=StandardScaler()).fit(X, y)
    assert inside.loss_curve_ == pytest.approx(outside.regressor_.loss_curve_)
    np.testing.assert_allclose(inside.predict(X), outside.predict(X), rtol=1e-9)
    assert inside.score(X, y) == pytest.approx(outside.score(X, y))
    assert inside.score(X, y) > 0.8
    np.testing.assert_allclose(inside.predict_one(X[0]), inside.predict(X[:1])[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(inside)).predict(X), inside.predict(X))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_quantiles_and_deviations_are_in_the_unit_of_the_target() -> None:
    X, y = samples()
    quantiles = MLPRegressor({"name": "quantile", "quantiles": (0.1, 0.9)}, standardize_target=True, **MANY).fit(X, y)
    low, high = quantiles.predict(X).T
    assert np.mean((low < y) & (y < high)) > 0.5
    assert quantiles.score(X, y) > 0.3
    gaussian = MLPRegressor("gaussian_nll", standardize_target=True, **MANY).fit(X, y)
    mean, deviation = gaussian.predict(X, return_std=True)
    assert abs(mean.mean() - y.mean()) < 1e3
    assert 10 < np.median(deviation) < 1e4


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_rates_are_divided_by_their_mean() -> None:
    X, _ = samples()
    y = np.random.default_rng(1).poisson(2000 * np.exp(X[:, 0] / 2)).astype(float)
    model = MLPRegressor("poisson", standardize_target=True, **MANY).fit(X, y)
    assert abs(model.predict(X).mean() / y.mean() - 1) < 0.1
    assert model.score(X, y) > 0.8
    assert model._targets.scale.chain.arrays() == {"0.mean": pytest.approx(y.mean())}


def test_targets_without_a_unit_are_refused() -> None:
    X, y = samples()
    with pytest.raises(ParameterError, match=r"takes targets in \[0, 1\], which cannot be scaled"):
        MLPRegressor("binary_cross_entropy", standardize_target=True).fit(X, (y > y.mean()).astype(float))
    with pytest.raises(DataError, match="y holds numbers too large to be encoded"):
        MLPRegressor(standardize_target=True).fit(X, y * 1e200)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
def test_a_network_that_goes_on_has_the_scale_it_began_with(how: str) -> None:
    X, y = samples()
    model = MLPRegressor(standardize_target=True, warm_start=True, **MANY).fit(X, y)
    scale = model._targets.scale
    (model.fit if how == "warm_start" else model.partial_fit)(X, y + 1e4)
    assert model._targets.scale is scale
    with pytest.raises(ParameterError, match="but now standardize_target=False"):
        model.set_params(standardize_target=False).fit(X, y)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_count_and_the_dtype_stays(dtype: Any) -> None:
    X, y = samples()
    weights = np.repeat([1.0, 0.0], [200, 100])
    model = MLPRegressor(standardize_target=True, **MANY).fit(X.astype(dtype), y.astype(dtype), weights)
    assert model._targets.scale.chain.arrays()["0.mean"] == pytest.approx(y[:200].mean(), rel=1e-6)
    assert model.predict(X.astype(dtype)).dtype == dtype
    assert not hasattr(model, "coefs_")

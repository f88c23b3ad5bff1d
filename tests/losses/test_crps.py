"""The continuous ranked probability score: its integral and its minimum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from losses.training import minimised, one_hot
from scipy.integrate import quad
from scipy.stats import norm

import nncore as nn
from nncore.errors import ShapeError
from nncore.estimators import MLPRegressor
from nncore.losses.crps import CRPS
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin

RUNGS = (CRPS(), numpy_twin(CRPS()))


def integral(mean: float, sigma: float, y: float) -> float:
    """∫ (F(x) − [x ≥ y])² dx."""
    below = quad(lambda x: norm.cdf(x, mean, sigma) ** 2, min(y, mean) - 12 * sigma, y, limit=200, epsabs=1e-12)[0]
    above = quad(lambda x: norm.sf(x, mean, sigma) ** 2, y, max(y, mean) + 12 * sigma, limit=200, epsabs=1e-12)[0]
    return below + above


def test_is_the_integral_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(12, 4)), rng.normal(size=(12, 2))
    sigma = np.exp(output[:, 2:] / 2)
    expected = [[integral(output[i, t], sigma[i, t], target[i, t]) for t in range(2)] for i in range(12)]
    for rung in RUNGS:
        value, _ = Rung(rung)(output, target, np.ones(12))
        np.testing.assert_allclose(value, np.mean(expected, axis=1), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_spread_it_is_the_absolute_error(dtype: type) -> None:
    output = np.array([[2.0, -1e4], [1.0, -1e4], [-3.0, -60.0]], dtype)
    target = np.ones((3, 1), dtype)
    for rung in RUNGS:
        value, d_output = Rung(rung)(output, target, np.ones(3, dtype))
        np.testing.assert_allclose(value, [1, 0, 4], atol=1e-6)
        np.testing.assert_allclose(d_output[:, 0], [1, 0, -1], atol=1e-6)
        assert np.isfinite(d_output).all()


def test_an_outlier_pulls_with_a_bounded_force() -> None:
    """The gradient of an outlier is bounded: it is the same a thousand and a million standard deviations away."""
    for rung in RUNGS:
        _, d_output = Rung(rung)(np.zeros((2, 2)), np.array([[1e3], [1e6]]), np.ones(2))
        np.testing.assert_allclose(d_output, [[-1, -0.5 / math.sqrt(math.pi)]] * 2, rtol=1e-12)


def test_finds_mean_and_deviation_of_each_group() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 400)
    y = rng.normal(groups * 3, 0.2 + groups)
    output = minimised("crps", one_hot(groups), y, 2).predict(np.eye(2))
    for group in (0, 1):
        sample = y[groups == group]
        np.testing.assert_allclose(output[group, 0], sample.mean(), atol=0.1)
        np.testing.assert_allclose(math.exp(output[group, 1] / 2), sample.std(), rtol=0.1)


def test_estimators_predict_means_and_deviations() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(-1, 1, (600, 1))
    y = 100 * X[:, 0] + rng.normal(0, 5 + 20 * (X[:, 0] > 0))
    arguments = {"hidden_layer_sizes": (16,), "activation": "tanh", "learning_rate_init": 0.02, "random_state": 0, "max_iter": 150}
    model = MLPRegressor("crps", standardize_target=True, **arguments).fit(X, y)
    mean, deviation = model.predict([[-0.5], [0.5]], return_std=True)
    np.testing.assert_allclose(mean, [-50, 50], atol=10)
    np.testing.assert_allclose(deviation, [5, 25], rtol=0.5)


def test_an_odd_number_of_outputs_is_refused() -> None:
    with pytest.raises(ShapeError, match="CRPS needs a mean and a log-variance for each target, an even number of outputs, got 3"):
        nn.Sequential(nn.Dense(3)).fit(np.zeros((5, 2)), np.zeros(5), loss="crps")

"""The loss of a network as a function of its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import nncore as nn
from nncore.errors import NonFiniteError, NotBuiltError, ShapeError
from nncore.network import Objective

rng = np.random.default_rng(2)
X = rng.normal(size=(40, 5))
y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=40)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(
    ("loss", "n_outputs", "target"),
    [
        ("half_mse", 2, rng.normal(size=(40, 2))),
        ("binary_cross_entropy", 1, (y > 0)[:, np.newaxis]),
        ("softmax_cross_entropy", 3, rng.integers(3, size=40)),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient(activation: str, loss: str, n_outputs: int, target: Any, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    network = nn.Sequential(nn.Dense(4, activation=activation), nn.Dense(n_outputs)).build(5, loss=loss, rng=1, dtype="float64")
    network.weight_decay = 0.3
    weights = rng.uniform(0.5, 2, 40) if weighted else None
    objective = Objective(network, X, target, weights)
    point = network.parameters.copy()
    value, gradient = objective.value(point), objective.gradient(point)
    numeric = approx_fprime(point, objective.value, 1e-7)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(objective.gradient(point), gradient)  # though it has been elsewhere since
    assert objective.value(point) == value


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_backward_gives(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2, 40) if weighted else None
    network = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(1)).build(5, loss="mse", rng=1, dtype="float64")
    network.weight_decay = 0.1
    objective, point = Objective(network, X, y, weights), network.parameters.copy()
    value, gradient = objective.value(point), objective.gradient(point)
    network.forward(X, training=True)
    assert network.backward(y, weights) == value
    np.testing.assert_array_equal(network.gradients, gradient)


def test_what_it_refuses() -> None:
    network = nn.Sequential(nn.Dense(1)).build(5, rng=1, dtype="float64")
    with pytest.raises(NotBuiltError, match="no loss"):
        Objective(network, X, y)
    network.build(5, loss="mse", rng=1, dtype="float64")
    with pytest.raises(ShapeError, match="y has 39 samples, X has 40"):
        Objective(network, X, y[:39])
    with pytest.raises(NonFiniteError, match="the loss became NaN"):
        Objective(network, X, y).value(np.full(network.n_parameters, 1e200))

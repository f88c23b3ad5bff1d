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
    point, value = network.parameters.copy(), objective.evaluate()
    gradient = objective.gradients.copy()

    def value_at(parameters: np.ndarray) -> float:
        objective.parameters[...] = parameters
        return objective.evaluate()

    np.testing.assert_allclose(gradient, approx_fprime(point, value_at, 1e-7), rtol=1e-4, atol=1e-6)
    assert value_at(point) == value  # although it had other parameters since
    np.testing.assert_array_equal(objective.gradients, gradient)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_backward_gives(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2, 40) if weighted else None
    network = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(1)).build(5, loss="mse", rng=1, dtype="float64")
    network.weight_decay = 0.1
    objective = Objective(network, X, y, weights)
    value, gradient = objective.evaluate(), objective.gradients.copy()
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
    objective = Objective(network, X, y)
    objective.parameters[...] = 1e200
    with pytest.raises(NonFiniteError, match="the loss became NaN"):
        objective.evaluate()


def test_gradient_that_overflows() -> None:
    """The gradient overflows although the loss does not."""
    network = nn.Sequential(nn.Dense(1, use_bias=False)).build(1, loss="mse", rng=1, dtype="float64")
    objective = Objective(network, np.array([[1e200]]), np.array([0.0]))
    objective.parameters[...] = 1e-50
    with pytest.raises(NonFiniteError, match=r"the gradient of dense_1\.weight became NaN or infinite"):
        objective.evaluate()

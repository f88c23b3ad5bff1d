"""The layer: its limits at f = 0, and a frequency found by training."""

from __future__ import annotations

import numpy as np
import pytest
from nncore_snake.learnable_snake import LearnableSnake
from nncore_snake.snake import Snake

import nncore as nn
from nncore.testing import numpy_twin

every_rung = pytest.mark.parametrize("rung", [lambda layer: layer, numpy_twin], ids=["native", "numpy"])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def network(layer: LearnableSnake, n_inputs: int, dtype: str) -> nn.Sequential:
    return nn.Sequential(layer).build(n_inputs, loss="half_mse", optimizer="sgd", rng=0, dtype=dtype)


@every_rung
@every_dtype
def test_is_snake_while_its_frequencies_are_the_first(rung, dtype: str) -> None:
    X = np.random.default_rng(1).normal(size=(9, 5)).astype(dtype)
    y = network(rung(LearnableSnake(3.0)), 5, dtype).predict(X)
    np.testing.assert_allclose(y, Snake(3.0).forward(X), rtol=8 * np.finfo(dtype).eps)


@every_rung
@every_dtype
@pytest.mark.parametrize("frequency", [0.0, 1e-30])
def test_limit_of_small_frequencies(rung, dtype: str, frequency: float) -> None:
    """At f = 0, y = x, ∂y/∂x = 1 and ∂y/∂f = x², without a division by f."""
    net = network(rung(LearnableSnake()), 3, dtype)
    net.parameters[:] = frequency
    X = np.random.default_rng(2).normal(size=(4, 3)).astype(dtype)
    np.testing.assert_array_equal(net.forward(X, training=True), X)
    net.backward(X - 1)  # half_mse: d_y = (y − target) / n_rows = 1/4
    np.testing.assert_allclose(net.gradients, (X.astype(np.float64) ** 2).mean(axis=0), rtol=8 * np.finfo(dtype).eps)


@every_rung
@pytest.mark.parametrize("frequency", [0.3, -2.0, 0.0])
def test_gradient_of_the_frequency_is_the_derivative(rung, frequency: float) -> None:
    """The gradient of the frequency equals central differences, also across f = 0, which the kit's random frequencies do not cover."""
    net, rng = network(rung(LearnableSnake()), 2, "float64"), np.random.default_rng(3)
    X, y, h = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), 1e-5
    losses = []
    for f in (frequency - h, frequency + h, frequency):
        net.parameters[:] = frequency, f
        net.forward(X, training=True)
        losses.append(net.backward(y))
    assert net.gradients[1] == pytest.approx((losses[1] - losses[0]) / (2 * h), rel=1e-7, abs=1e-8)


def test_finds_the_frequency_of_the_data() -> None:
    x = np.random.default_rng(4).uniform(-1, 1, size=(500, 1))
    net = nn.Sequential(LearnableSnake(2.0))
    net.fit(x, x + np.sin(3 * x) ** 2 / 3, loss="half_mse", optimizer=nn.Adam(lr=0.05), epochs=40, batch_size=50, rng=0, progress=False)
    assert net.named_parameters()["learnable_snake_1.frequency"] == pytest.approx(3.0, abs=0.01)


def test_weight_decay_leaves_the_frequency_alone() -> None:
    net = network(LearnableSnake(), 2, "float32")
    X = np.ones((3, 2), np.float32)
    gradients = []
    for net.weight_decay in (0.0, 10.0):
        net.forward(X, training=True)
        net.backward(X)
        gradients.append(net.gradients.copy())
    np.testing.assert_array_equal(*gradients)

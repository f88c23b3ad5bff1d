"""Default initial values of dense layers are never ten times worse than those of other libraries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.contract import Activation

#: Distributions of weights and biases in other libraries.
PEERS = {"PyTorch": "uniform_fan_in", "scikit-learn": "glorot_uniform"}
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": lambda x: np.sin(3 * x[:, :1]),
    "cubic": lambda x: x[:, :1] ** 3 / 9,
    "bend": lambda x: np.abs(x[:, :1]),
    "step": lambda x: (x[:, :1] > 0.5).astype(float),
    "sinc": lambda x: np.sinc(2 * x[:, :1]),
    "saddle": lambda x: x[:, :1] * x[:, 1:],
    "rings": lambda x: np.cos(3 * np.hypot(x[:, :1], x[:, 1:])),
}  # fmt: skip


def error(function: str, activation: str, **initializers: str) -> float:
    """Median over three seeds of the mean squared error on points not trained on."""
    n_inputs = 2 if function in ("saddle", "rings") else 1
    train, test = (np.random.default_rng(seed).uniform(-3, 3, (256, n_inputs)) for seed in (0, 1))
    errors = []
    for seed in range(3):
        net = nn.Sequential(*(nn.Dense(32, activation, **initializers) for _ in range(2)), nn.Dense(1, **initializers))
        net.fit(train, FUNCTIONS[function](train), loss="mse", optimizer="adam", epochs=100, batch_size=32, rng=seed, progress=False)
        errors.append(float(((net.predict(test) - FUNCTIONS[function](test)) ** 2).mean()))
    return float(np.median(errors))


@pytest.mark.parametrize(
    ("function", "activation"),
    [
        pytest.param(
            function, activation, marks=[] if (function, activation) in {("cubic", "tanh"), ("cubic", "relu")} else pytest.mark.slow
        )
        for function in FUNCTIONS
        for activation in ("tanh", "relu", "gelu", "silu", "mish")
    ],
)
def test_defaults_are_never_ten_times_worse_than_those_of_a_peer(function: str, activation: str) -> None:
    peers = {peer: error(function, activation, weight_initializer=name, bias_initializer=name) for peer, name in PEERS.items()}
    assert error(function, activation) < 10 * min(peers.values()), peers


def test_zero_biases_are_worse() -> None:
    """Zero biases are measurably worse, so the test above is sharp."""
    zero = error("cubic", "tanh", bias_initializer="zeros")
    assert zero > 3 * error("cubic", "tanh", weight_initializer="uniform_fan_in", bias_initializer="uniform_fan_in")


class AsksForHe(Activation):
    """The identity, with weights initialised as by He."""

    initializer = "he_uniform"

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a


def is_uniform(values: np.ndarray, limit: float) -> bool:
    return bool(0.95 * limit < np.abs(values).max() <= limit)


@pytest.mark.parametrize("activation", [None, "identity", "tanh", "relu", "gelu", "selu"])
@pytest.mark.parametrize("n_inputs", [2, 50])
def test_weights_keep_the_variance_of_what_they_get(activation: str | None, n_inputs: int) -> None:
    weight, bias, *_ = nn.Sequential(nn.Dense(1000, activation), nn.Dense(1)).build(n_inputs, rng=0).named_parameters().values()
    assert 0.93 / np.sqrt(n_inputs) < weight.std() < 1.07 / np.sqrt(n_inputs)
    assert np.abs(weight).max() > 2.5 / np.sqrt(n_inputs)  # a normal distribution has tails
    assert is_uniform(bias, 1 / np.sqrt(n_inputs))


def test_an_activation_may_ask_for_others() -> None:
    weight, *_ = nn.Sequential(nn.Dense(1000, AsksForHe())).build(50, rng=0).named_parameters().values()
    assert is_uniform(weight, np.sqrt(6 / 50))


@pytest.mark.parametrize("activation", [None, "identity"])
def test_a_last_layer_without_an_activation_begins_small(activation: str | None) -> None:
    weight, bias = nn.Sequential(nn.Dense(1000, activation)).build(50, rng=0).named_parameters().values()
    assert is_uniform(weight, 1 / np.sqrt(50))
    assert is_uniform(bias, 1 / np.sqrt(50))

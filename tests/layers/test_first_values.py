"""The default first values of dense layers: never ten times worse than those of the peers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn

#: What the peers draw weights and biases from.
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
    """The test above can tell."""
    zero = error("cubic", "tanh", bias_initializer="zeros")
    assert zero > 3 * error("cubic", "tanh", weight_initializer="uniform_fan_in", bias_initializer="uniform_fan_in")


@pytest.mark.parametrize("activation", [None, "tanh", "relu", "elu"])
def test_where_the_defaults_come_from(activation: str | None) -> None:
    weight, bias = nn.Sequential(nn.Dense(1000, activation)).build(50, rng=0).named_parameters().values()
    assert 0.95 * np.sqrt(6 / 1050) < np.abs(weight).max() <= np.sqrt(6 / 1050)
    assert 0.95 / np.sqrt(50) < np.abs(bias).max() <= 1 / np.sqrt(50)


@pytest.mark.parametrize("activation", ["gelu", "silu", "mish", "selu"])
def test_smooth_activations_have_wider_weights_where_inputs_are_few(activation: str) -> None:
    weight, bias = nn.Sequential(nn.Dense(1000, activation)).build(2, rng=0).named_parameters().values()
    assert 0.93 * np.sqrt(1 / 2) < weight.std() < 1.07 * np.sqrt(1 / 2)
    assert 0.95 / np.sqrt(2) < np.abs(bias).max() <= 1 / np.sqrt(2)

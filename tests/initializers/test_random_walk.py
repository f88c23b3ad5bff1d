"""Sussillo & Abbott 2014: the log norm of back-propagated gradients is a random walk without drift."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.initializers.he import HeNormal
from nncore.initializers.random_walk import RandomWalk
from nncore.initializers.xavier_notes import XavierNotes
from nncore.plugin import Initializer

DEPTH, WIDTH, N_NETWORKS = 100, 20, 400


def log_gains(initializer: Initializer, *, relu: bool, widths: tuple[int, ...] = (WIDTH,) * (DEPTH + 1)) -> np.ndarray:
    """log(‖∂E/∂x‖ / ‖∂E/∂z_last‖) for each of several networks, by back-propagation of one sample."""

    def weights(layer: int) -> np.ndarray:
        """Weights of all networks, shape (N_NETWORKS, n, m); drawn again on the way back rather than stored."""
        n, m = widths[layer : layer + 2]
        return initializer.sample(np.random.default_rng(layer), (N_NETWORKS, n, m), n, m)

    rng = np.random.default_rng(1000)
    x, masks = rng.normal(size=(N_NETWORKS, 1, widths[0])), []
    for layer in range(len(widths) - 1):
        z = x @ weights(layer)
        masks.append(z > 0 if relu else np.ones(z.shape, bool))
        x = z * masks[-1]
        x /= np.linalg.norm(x, axis=2, keepdims=True)  # masks do not depend on the scale, which must not overflow
    d_x = rng.normal(size=x.shape)
    start = np.linalg.norm(d_x * masks[-1], axis=2)
    for layer in range(len(widths) - 2, -1, -1):
        d_x = (d_x * masks[layer]) @ weights(layer).transpose(0, 2, 1)
    return np.log(np.linalg.norm(d_x, axis=2) / start).ravel()


def drift(walks: np.ndarray) -> tuple[float, float]:
    """Mean of the walks and its standard error."""
    return float(walks.mean()), float(walks.std()) / math.sqrt(len(walks))


def test_linear_formula() -> None:
    assert RandomWalk("linear").gain(50) == math.exp(1 / 100)
    assert RandomWalk("linear").gain(1) == math.exp(1 / 2)


def test_relu_formula() -> None:
    assert RandomWalk("relu").gain(50) == math.sqrt(2) * math.exp(1.2 / (50 - 2.4))
    assert RandomWalk("relu").gain(6) == RandomWalk("relu").gain(2) == math.sqrt(2) * math.exp(1.2 / 3.6)


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_standard_deviation(activation: str) -> None:
    n, n_draws = 30, 200_000
    initializer = RandomWalk(activation)
    w = initializer.sample(np.random.default_rng(0), (n_draws,), n, 7) * math.sqrt(n) / initializer.gain(n)
    assert abs(w.mean()) < 5 / math.sqrt(n_draws)
    assert abs((w**2).mean() - 1) < 5 * math.sqrt(2 / n_draws)


def test_linear_walk_has_no_drift_and_that_of_unit_variance_has() -> None:
    mean, error = drift(log_gains(RandomWalk("linear"), relu=False))
    assert abs(mean) < 3 * error
    plain, plain_error = drift(log_gains(XavierNotes(), relu=False))
    assert abs(plain + DEPTH / (2 * WIDTH)) < 3 * plain_error + DEPTH / (6 * WIDTH**2)  # −1/(2N) a layer, the paper's expansion
    assert plain < -10 * plain_error


def test_linear_walk_spreads_with_the_depth_over_the_width() -> None:
    """ "The variance of the random walk grows only linearly with network depth and is inversely proportional to the size of
    each layer": 1/(2N) a layer."""
    for depth, width in ((DEPTH, WIDTH), (DEPTH // 4, WIDTH), (DEPTH, 2 * WIDTH)):
        variance = log_gains(RandomWalk("linear"), relu=False, widths=(width,) * (depth + 1)).var()
        assert variance == pytest.approx(depth / (2 * width), rel=4 * math.sqrt(2 / N_NETWORKS))


def test_relu_walk_has_no_drift_and_that_of_he_has() -> None:
    mean, error = drift(log_gains(RandomWalk("relu"), relu=True))
    assert abs(mean) < 3 * error
    he, he_error = drift(log_gains(HeNormal(), relu=True))
    assert he < -DEPTH / (2 * WIDTH) - 10 * he_error


def test_fan_in_is_the_right_size_where_layers_differ() -> None:
    widths = tuple([10, 40] * (DEPTH // 2) + [10])
    mean, error = drift(log_gains(RandomWalk("linear"), relu=False, widths=widths))
    assert abs(mean) < 3 * error


def test_in_a_network() -> None:
    """In a real network, the first layer's gradients through a hundred ReLU layers neither vanish nor explode."""
    layers = [nn.Dense(64, "relu", weight_initializer=RandomWalk()) for _ in range(DEPTH)]
    network = nn.Sequential(*layers, nn.Dense(1, weight_initializer=RandomWalk("linear"))).build(64, loss="mse", rng=0)
    rng = np.random.default_rng(1)
    network.forward(rng.normal(size=(64, 64)), training=True)
    network.backward(rng.normal(size=(64, 1)))
    norms = [np.linalg.norm(network.named_gradients()[f"dense_{layer}.weight"]) for layer in (1, DEPTH)]
    assert abs(math.log(norms[0] / norms[1])) < 4 * math.sqrt(DEPTH * 5 / (4 * 64))  # √ of the walk's variance, 5/(4N) a layer


@pytest.mark.parametrize("activation", ["tanh", "", None, 1])
def test_only_the_two_activations_of_the_paper(activation: object) -> None:
    with pytest.raises(ParameterError, match="activation must be 'linear' or 'relu'"):
        RandomWalk(activation)  # type: ignore[arg-type]


def test_config() -> None:
    assert RandomWalk("linear").config() == {"activation": "linear"}
    assert repr(RandomWalk()) == "RandomWalk(activation='relu')"

"""Papers on initial values: each paper's claim, in networks on real images, forwards and backwards.

The images are nncore's digits, with every pixel standardised. Each claim is also checked to fail for another initializer, so that the tests
are sharp.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.datasets import load_digits_split
from nncore.inspection import activations
from nncore.typing import InitializerLike


def digits() -> np.ndarray:
    X = load_digits_split()[0].reshape(-1, 64).astype(np.float64)
    deviation = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


X = digits()


def deep(initializer: InitializerLike, activation: str | None, widths: list[int], seed: int = 0, biases: str = "zeros") -> nn.Sequential:
    layers = [nn.Dense(n, activation, weight_initializer=initializer, bias_initializer=biases) for n in widths]
    return nn.Sequential(*layers).build(64, rng=seed, dtype="float64", batch=X)


def sent_back(network: nn.Sequential, images: np.ndarray = X) -> np.ndarray:
    """‖∂E/∂inputs‖² / ‖∂E/∂outputs‖² of every sample, for a random gradient at the outputs."""
    output = network.forward(images, training=True)
    d_output = np.random.default_rng(1).normal(size=output.shape)
    network.backward(d_output=d_output)
    return np.square(network.d_input).sum(axis=1) / np.square(d_output).sum(axis=1)


def strengths(network: nn.Sequential) -> np.ndarray:
    """Mean square of the outputs of each layer."""
    return np.array([np.mean(np.square(values)) for values in activations(network, X).values()])


def spread(numbers: np.ndarray) -> float:
    return float(numbers.max() / numbers.min())


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal"])
def test_glorot_and_bengio_keep_both_variances_through_layers_of_tanh(name: str) -> None:
    """Figures 6 and 7: with U(±1/√n) both variances fall from layer to layer, with the normalized initialization they stay similar."""
    widths = [64] * 5
    both = []
    for initializer in (name, "uniform_fan_in"):
        network = deep(initializer, "tanh", widths)
        forwards = strengths(network)
        both.append((forwards[-1] / forwards[0], sent_back(network).mean()))
    (forwards, backwards), others = both
    assert forwards > 0.2
    assert backwards > 0.1
    assert max(others) < 0.02


def test_glorot_and_bengio_take_the_mean_of_both_directions() -> None:
    """Variance 2/(n + m): a layer from 64 to 32 units gains forwards what one from 32 to 64 loses, and the reverse backwards."""
    network = deep("glorot_normal", None, [32, 64] * 10)
    assert 0.1 < strengths(network)[-1] < 10
    assert 0.1 < sent_back(network).mean() < 10


def test_saxe_keeps_every_length_at_any_depth() -> None:
    """Dynamical isometry: all singular values of a deep linear network are 1, so images and gradients keep their lengths."""
    network = deep("orthogonal", None, [64] * 50)
    np.testing.assert_allclose(np.linalg.norm(network.predict(X), axis=1), np.linalg.norm(X, axis=1), rtol=1e-12)
    np.testing.assert_allclose(sent_back(network), 1, rtol=1e-12)
    of_gaussians = np.linalg.norm(deep("xavier_notes", None, [64] * 50).predict(X), axis=1) / np.linalg.norm(X, axis=1)
    assert spread(of_gaussians) > 3


@pytest.mark.parametrize(("activation", "width"), [("linear", 12), pytest.param("relu", 40, marks=pytest.mark.slow)])
def test_sussillo_and_abbott_let_the_log_of_the_gradient_walk_without_drift(activation: str, width: int) -> None:
    """In sixty narrow layers, the mean log norm of gradients over 25 networks is 0 within sampling error; plain scaling drifts."""
    random_walk = registry.get("initializers", "random_walk")(activation)
    plain = "xavier_notes" if activation == "linear" else "he_normal"
    drifts = []
    for initializer in (random_walk, plain):
        networks = (deep(initializer, None if activation == "linear" else "relu", [width] * 60, seed) for seed in range(25))
        walks = np.array([0.5 * np.log(sent_back(network, X[:100])).mean() for network in networks])
        drifts.append((walks.mean(), walks.std() / math.sqrt(len(walks))))
    (drift, error), (of_plain, _) = drifts
    assert abs(drift) < 4 * error
    assert of_plain < -6 * error


@pytest.mark.parametrize("name", ["he_uniform", "he_normal"])
def test_he_keeps_the_mean_square_through_thirty_layers_of_relu(name: str) -> None:
    """With half n · Var(w) = 1 neither signal nor gradient shrinks through thirty layers; with Xavier's 1/n each layer halves both."""
    network, xavier = (deep(initializer, "relu", [128] * 30) for initializer in (name, "xavier_notes"))
    of_he, of_xavier = strengths(network), strengths(xavier)
    assert 0.2 < of_he[-1] / of_he[0] < 5
    assert 0.05 < sent_back(network).mean() < 20
    assert (of_xavier[-1] / of_xavier[0]) ** (1 / 29) == pytest.approx(0.5, rel=0.1)
    assert sent_back(xavier).mean() < 1e-7


def test_krähenbühl_et_al_let_all_units_and_then_all_layers_learn_at_one_rate() -> None:
    """Step one gives mean β and variance 1 in every unit. Step two gives all layers one relative rate within 10 %, and keeps outputs."""
    data_dependent = registry.get("initializers", "data_dependent")
    by_units = deep(data_dependent(0.1, balance=False), "relu", [48] * 15)
    both = deep(data_dependent(0.1), "relu", [48] * 15)
    inputs = X
    for name, output in activations(by_units, X).items():
        z = inputs @ by_units.named_parameters()[f"{name}.weight"] + by_units.named_parameters()[f"{name}.bias"]
        np.testing.assert_allclose(z.mean(axis=0), 0.1, atol=1e-10)
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-10)
        inputs = output
    out = by_units.predict(X)
    np.testing.assert_allclose(both.predict(X), out, atol=1e-10 * np.abs(out).max())
    assert spread(rates(by_units)) > 5
    assert spread(rates(both)) < 1.1


def rates(network: nn.Sequential) -> np.ndarray:
    """‖∂ℓ/∂W‖ / ‖W‖ of each layer for a random linear loss of every sample: the mean square over 100 such losses of the whole batch.

    The random factors of samples are independent, so that the mean square of the sum over samples is the sum of mean squares.
    """
    rng, squares = np.random.default_rng(2), 0.0
    for _ in range(100):
        output = network.forward(X, training=True)
        network.backward(d_output=rng.normal(size=output.shape))
        squares += np.array([np.sum(np.square(g)) for name, g in network.named_gradients().items() if name.endswith("weight")])
    norms = [np.linalg.norm(weight) for name, weight in network.named_parameters().items() if name.endswith("weight")]
    return np.sqrt(squares) / norms


@pytest.mark.parametrize("activation", ["relu", "tanh", None])
def test_mishkin_and_matas_bring_every_layer_to_unit_variance(activation: str | None) -> None:
    """Var(z) of every layer is within Tol_var = 0.1 of 1, from orthonormal weights whose directions stay."""
    network = deep("lsuv", activation, [64] * 20)
    inputs = X
    for name, output in activations(network, X).items():
        weight = network.named_parameters()[f"{name}.weight"]
        assert (inputs @ weight).var() == pytest.approx(1, abs=0.1)
        gram = weight.T @ weight
        np.testing.assert_allclose(gram / gram[0, 0], np.eye(64), atol=1e-10)
        inputs = output

"""Mishkin & Matas 2015: orthonormal weights, scaled to unit variance of each layer's outputs; very deep networks then train."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ConvergenceWarning, DataError, ParameterError
from nncore.initializers.he import HeUniform
from nncore.initializers.lsuv import LSUV
from nncore.initializers.orthogonal import Orthogonal
from nncore.initializers.uniform_fan_in import UniformFanIn
from nncore.plugin import Initializer

DTYPES = [np.float32, np.float64]
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}
DEPTH = 20


def batch(n_rows: int = 400, n_columns: int = 10, scale: float = 5.0) -> np.ndarray:
    return np.random.default_rng(0).normal(1.0, scale, (n_rows, n_columns))


def layer(n: int, m: int, dtype: type[np.floating] = np.float64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return LSUV().sample(np.random.default_rng(seed), (n, m), n, m).astype(dtype), np.zeros(m, dtype)


def test_starts_orthonormal() -> None:
    for shape in ((6, 6), (9, 4), (4, 9), (5,)):
        expected = Orthogonal().sample(np.random.default_rng(3), shape, 1, 1)
        np.testing.assert_array_equal(LSUV().sample(np.random.default_rng(3), shape, 1, 1), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_unit_variance_in_every_layer_of_a_deep_network(dtype: type[np.floating], activation: str) -> None:
    x = batch().astype(dtype)
    for number in range(DEPTH):
        weight, bias = layer(x.shape[1], 48, dtype, number)
        LSUV(tolerance=1e-3).refine(np.random.default_rng(0), x, weight, bias)
        z = x @ weight + bias
        assert z.var(dtype=np.float64) == pytest.approx(1, abs=2e-3 if dtype is np.float32 else 1e-3)
        values = np.linalg.svd(weight.astype(np.float64), compute_uv=False)
        np.testing.assert_allclose(values, values[0], rtol=100 * float(np.finfo(dtype).eps))  # only the scale has changed
        np.testing.assert_array_equal(bias, 0)
        x = ACTIVATIONS[activation](z)


def test_the_loop_of_the_paper() -> None:
    """The paper's loop and the shortcut over the batch's statistics take the same number of divisions, several with biases."""
    x = batch()
    weight, bias = layer(10, 7)
    bias[:] = np.linspace(-1, 1, 7)
    reference = weight.copy()
    iterations = 0
    while abs((x @ reference + bias).var() - 1) >= 0.01 and iterations < 10:
        reference /= math.sqrt((x @ reference + bias).var())
        iterations += 1
    assert 2 <= iterations < 10
    LSUV(tolerance=0.01).refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_allclose(weight, reference, rtol=1e-12)
    np.testing.assert_allclose(bias, np.linspace(-1, 1, 7), rtol=0)


def test_within_the_tolerance_nothing_is_changed() -> None:
    x = batch()
    weight, bias = layer(10, 7)
    weight *= math.sqrt(1.09 / (x @ weight).var())
    before = weight.copy()
    LSUV().refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_array_equal(weight, before)
    LSUV(tolerance=0.08).refine(np.random.default_rng(0), x, weight, bias)
    assert (x @ weight).var() == pytest.approx(1, rel=1e-12)


def test_without_bias_one_iteration_is_exact() -> None:
    x = batch()
    weight, _ = layer(10, 7)
    LSUV(tolerance=1e-9, max_iterations=1).refine(np.random.default_rng(0), x, weight, None)
    assert (x @ weight).var() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(("scale_of_bias", "max_iterations"), [(3.0, 10), (0.5, 1)])
def test_out_of_reach(scale_of_bias: float, max_iterations: int) -> None:
    x = batch()
    weight, bias = layer(10, 7)
    bias[:] = scale_of_bias * np.linspace(-1, 1, 7)
    with pytest.warns(ConvergenceWarning, match='use bias_initializer="zeros" or raise max_iterations'):
        LSUV(tolerance=1e-6, max_iterations=max_iterations).refine(np.random.default_rng(0), x, weight, bias)


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place_in_live_views(dtype: type[np.floating]) -> None:
    vector = np.zeros(3 + 70 + 4, dtype)
    weight = vector[3:73].reshape(10, 7)
    weight[...] = layer(10, 7, dtype)[0]
    x = batch().astype(dtype)
    LSUV().refine(np.random.default_rng(0), x, weight, None)
    assert (x @ vector[3:73].reshape(10, 7)).var() == pytest.approx(1, rel=1e-3)
    np.testing.assert_array_equal(vector[[0, 1, 2, 73, 74, 75, 76]], 0)


UNUSABLE: dict[str, np.ndarray] = {
    "no row": np.zeros((0, 10)),
    "constant": np.full((50, 10), 3.0),
    "zero": np.zeros((50, 10)),
    "NaN": np.full((50, 10), np.nan),
}


@pytest.mark.parametrize("x", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("dtype", DTYPES)
def test_unusable_batches(x: np.ndarray, dtype: type[np.floating]) -> None:
    weight, bias = layer(10, 7, dtype)
    before = weight.copy()
    with pytest.raises(DataError, match=r"pass |remove NaN"):
        LSUV().refine(np.random.default_rng(0), x.astype(dtype), weight, bias)
    np.testing.assert_array_equal(weight, before)


def test_weights_that_would_overflow() -> None:
    weight, bias = layer(10, 7, np.float32)
    with pytest.raises(DataError, match="scale the samples to variance 1"):
        LSUV().refine(np.random.default_rng(0), batch() * 1e-60, weight, bias)


def rings(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of two noisy rings, one inside the other."""
    rng = np.random.default_rng(0)
    angle, y = rng.uniform(0, 2 * np.pi, n), rng.integers(0, 2, n)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + y[:, None]) + rng.normal(0, 0.1, (n, 2)), y


def loss_after_training(initializer: type[Initializer], activation: str) -> float:
    X, y = rings(512)
    hidden = [nn.Dense(32, activation, weight_initializer=initializer()) for _ in range(DEPTH)]
    network = nn.Sequential(*hidden, nn.Dense(2, weight_initializer=initializer()))
    network.fit(X, y, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=0.02), epochs=30, batch_size=32, rng=0)
    return float(network.evaluate(X, y)["loss"])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_twenty_layers_train(activation: str) -> None:
    """Twenty layers train, as with He's initialisation. With variance 1/3 they do not, nor with orthonormal weights and ReLUs."""
    chance = math.log(2)
    assert loss_after_training(LSUV, activation) < 0.02
    assert loss_after_training(HeUniform, activation) < 0.02
    assert loss_after_training(UniformFanIn, activation) > 0.99 * chance
    if activation == "relu":
        assert loss_after_training(Orthogonal, activation) > 0.99 * chance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_in_a_network(dtype: str, activation: str) -> None:
    X = batch()
    layers = [nn.Dense(32, activation, weight_initializer=LSUV()) for _ in range(DEPTH)]
    network = nn.Sequential(*layers, nn.Dense(3, weight_initializer=LSUV())).build(10, rng=0, dtype=dtype, batch=X)
    z, named = X.astype(dtype), network.named_parameters()
    for number in range(1, DEPTH + 2):
        z = (ACTIVATIONS[activation](z) if number > 1 else z) @ named[f"dense_{number}.weight"] + named[f"dense_{number}.bias"]
        assert abs(z.var(dtype=np.float64) - 1) < 0.1


@pytest.mark.parametrize(
    "arguments", [{"tolerance": 0}, {"tolerance": math.nan}, {"max_iterations": 0}, {"max_iterations": 2.5}, {"max_iterations": True}]
)
def test_arguments_out_of_range(arguments: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(arguments))} must be"):
        LSUV(**arguments)  # type: ignore[arg-type]

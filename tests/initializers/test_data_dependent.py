"""Krähenbühl et al. 2015: every unit of every layer has mean β and variance 1 over the batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.initializers.data_dependent import DataDependent, output_statistics

DTYPES = [np.float32, np.float64]
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}
WIDTHS = (10, *[64] * 20)


def batch(n_rows: int, n_columns: int, dtype: type[np.floating], seed: int = 0) -> np.ndarray:
    """Correlated columns of different means and scales."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(n_columns, n_columns)) * rng.uniform(0.1, 10, n_columns)
    return (rng.normal(size=(n_rows, n_columns)) @ mix + 3 * rng.normal(size=n_columns)).astype(dtype)


def layer(n: int, m: int, dtype: type[np.floating], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return DataDependent().sample(rng, (n, m), n, m).astype(dtype), np.zeros(m, dtype)


def refined_layers(initializer: DataDependent, dtype: type[np.floating], activation: str) -> Iterator[tuple[np.ndarray, ...]]:
    """x, W, b and z of one layer after the other."""
    x = batch(2000, WIDTHS[0], dtype)
    for number, (n, m) in enumerate(itertools.pairwise(WIDTHS)):
        weight, bias = layer(n, m, dtype, number)
        initializer.refine(np.random.default_rng(0), x, weight, bias)
        z = x @ weight + bias
        yield x, weight, bias, z
        x = ACTIVATIONS[activation](z)


def tolerance(x: np.ndarray, weight: np.ndarray) -> float:
    """What rounding of x·W + b and of W and b can do to a column of deviation 1."""
    return 4 * math.sqrt(len(weight)) * float(np.finfo(x.dtype).eps) * float((np.abs(x).max(axis=0) @ np.abs(weight)).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_mean_beta_and_variance_one_in_every_unit_of_a_deep_network(dtype: type[np.floating], activation: str, beta: float) -> None:
    for x, weight, _, z in refined_layers(DataDependent(beta), dtype, activation):
        np.testing.assert_allclose(z.mean(axis=0, dtype=np.float64), beta, atol=tolerance(x, weight))
        np.testing.assert_allclose(z.var(axis=0, dtype=np.float64), 1, atol=2 * tolerance(x, weight))
        assert tolerance(x, weight) < 0.01, "the tolerance is too wide to show anything"


@pytest.mark.parametrize("dtype", DTYPES)
def test_formula(dtype: type[np.floating]) -> None:
    x = batch(50, 6, dtype)
    weight, bias = layer(6, 4, dtype)
    before = weight.astype(np.float64)
    z = x.astype(np.float64) @ before
    bias[:] = 7  # is replaced, and plays no part
    DataDependent(0.25).refine(np.random.default_rng(0), x, weight, bias)
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(weight, before / z.std(axis=0), rtol=max(rtol, 1e-13))
    np.testing.assert_allclose(bias, 0.25 - z.mean(axis=0) / z.std(axis=0), rtol=max(rtol, 1e-13))


def test_the_scale_of_the_data_and_of_the_sample_make_no_difference() -> None:
    x = batch(50, 6, np.float64)
    results = []
    for x_scale, w_scale in ((1, 1), (1e-20, 1), (1e12, 1e-30)):
        weight, bias = layer(6, 4, np.float64)
        weight *= w_scale
        DataDependent().refine(np.random.default_rng(0), x * x_scale, weight, bias)
        results.append((weight * x_scale, bias))
    for weight, bias in results[1:]:
        np.testing.assert_allclose(weight, results[0][0], rtol=1e-12)
        np.testing.assert_allclose(bias, results[0][1], rtol=1e-12)


def test_without_bias_the_means_stay() -> None:
    x = batch(50, 6, np.float64)
    weight, _ = layer(6, 4, np.float64)
    ratio = (x @ weight).mean(axis=0) / (x @ weight).std(axis=0)
    DataDependent().refine(np.random.default_rng(0), x, weight, None)
    np.testing.assert_allclose((x @ weight).var(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose((x @ weight).mean(axis=0), ratio, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_unit_keeps_its_weights_and_is_centred(dtype: type[np.floating]) -> None:
    x = batch(40, 3, dtype)
    x[:, 2] = 5
    weight, bias = np.array([[1, 0, 0], [2, 0, 0], [3, 4, 0]], dtype), np.zeros(3, dtype)
    DataDependent(0.5).refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_array_equal(weight[:, 1:], [[0, 0], [0, 0], [4, 0]])
    np.testing.assert_allclose(bias[1:], [0.5 - 20, 0.5], rtol=8 * np.finfo(dtype).eps)
    assert (x @ weight[:, 0]).var() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place_in_live_views(dtype: type[np.floating]) -> None:
    vector = np.zeros(3 + 24 + 4 + 3, dtype)
    weight, bias = vector[3:27].reshape(6, 4), vector[27:31]
    weight[...] = layer(6, 4, dtype)[0]
    x = batch(50, 6, dtype)
    given_x = x.copy()
    DataDependent().refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_allclose((x @ vector[3:27].reshape(6, 4) + vector[27:31]).std(axis=0), 1, rtol=1e-3)
    np.testing.assert_array_equal(vector[[0, 1, 2, 31, 32, 33]], 0)
    np.testing.assert_array_equal(x, given_x)


@pytest.mark.parametrize("n_rows", [2, 7, 1000, 1001, 3005])
@pytest.mark.parametrize("dtype", DTYPES)
def test_statistics_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, n_rows: int, dtype: type[np.floating]) -> None:
    monkeypatch.setattr("nncore.blocks.BLOCK", 1000 * 8 * (5 + 3))
    x, weight = batch(n_rows, 5, dtype), layer(5, 3, dtype)[0]
    z = x.astype(np.float64) @ weight.astype(np.float64)
    mean, variance = output_statistics(x, weight)
    np.testing.assert_allclose(mean, z.mean(axis=0), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(variance, z.var(axis=0), rtol=1e-11)


@given(offset=st.floats(0, 1e4), seed=st.integers(0, 50))
def test_statistics_survive_a_large_offset(offset: float, seed: int) -> None:
    """Σz² − n·z̄² in float32 would have nothing left of a deviation of 1 beside a mean of 10 000."""
    x = (np.random.default_rng(seed).normal(size=(64, 3)) + offset).astype(np.float32)
    weight = np.ones((3, 1), np.float32)
    _, variance = output_statistics(x, weight)
    np.testing.assert_allclose(variance, x.astype(np.float64).sum(axis=1).var(), rtol=1e-7)


UNUSABLE: dict[str, np.ndarray] = {
    "no row": np.zeros((0, 3)),
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "constant": np.full((5000, 3), 0.1),
    "zero, as after dead ReLUs": np.zeros((10, 3)),
    "nothing but rounding": np.full((10, 3), 1.0) + np.finfo(np.float64).eps * np.arange(10)[:, None] % 2,
    "NaN": np.array([[1.0, 2.0, np.nan], [0.0, 1.0, 2.0]]),
    "infinity": np.array([[1.0, 2.0, np.inf], [0.0, 1.0, 2.0]]),
}


@pytest.mark.parametrize("x", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("dtype", DTYPES)
def test_unusable_batches(x: np.ndarray, dtype: type[np.floating]) -> None:
    weight, bias = layer(3, 4, dtype)
    before = weight.copy()
    with pytest.raises(DataError, match=r"pass some hundred samples|pass a batch of different samples|remove NaN and infinity"):
        DataDependent().refine(np.random.default_rng(0), x.astype(dtype), weight, bias)
    np.testing.assert_array_equal(weight, before)
    np.testing.assert_array_equal(bias, 0)


def test_weights_that_would_overflow() -> None:
    weight, bias = layer(3, 4, np.float32)
    before = weight.copy()
    with pytest.raises(DataError, match="scale the samples to variance 1"):
        DataDependent().refine(np.random.default_rng(0), batch(10, 3, np.float64) * 1e-60, weight, bias)
    np.testing.assert_array_equal(weight, before)


def test_gradients_grow_backwards_through_relu_layers_as_the_docstring_says() -> None:
    """What the paper's second algorithm is for, and the reason to say that it is missing."""
    n, depth = 200, 20
    x = np.maximum(np.random.default_rng(0).normal(size=(1000, n)), 0)
    weights, masks = [], []
    for number in range(depth):
        weight, bias = layer(n, n, np.float64, number)
        DataDependent().refine(np.random.default_rng(0), x, weight, bias)
        z = x @ weight + bias
        weights.append(weight)
        masks.append(z > 0)
        x = np.maximum(z, 0)
    d_x = np.random.default_rng(1).normal(size=x.shape)
    start = np.linalg.norm(d_x)
    for weight, mask in zip(reversed(weights), reversed(masks), strict=True):
        d_x = (d_x * mask) @ weight.T
    assert (np.linalg.norm(d_x) / start) ** (1 / depth) == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.03)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_in_a_network(dtype: str, activation: str) -> None:
    x = batch(300, 10, np.float64)
    layers = [nn.Dense(32, activation, weight_initializer=DataDependent()) for _ in range(8)]
    network = nn.Sequential(*layers, nn.Dense(3, weight_initializer=DataDependent())).build(10, rng=0, dtype=dtype, batch=x)
    z = x.astype(dtype)
    named = network.named_parameters()
    for number in range(1, 10):
        z = (ACTIVATIONS[activation](z) if number > 1 else z) @ named[f"dense_{number}.weight"] + named[f"dense_{number}.bias"]
        np.testing.assert_allclose(z.mean(axis=0, dtype=np.float64), 0, atol=1e-4 if dtype == "float32" else 1e-12)
        np.testing.assert_allclose(z.var(axis=0, dtype=np.float64), 1, atol=1e-4 if dtype == "float32" else 1e-12)


def test_a_network_needs_the_batch() -> None:
    with pytest.raises(ParameterError, match="batch="):
        nn.Sequential(nn.Dense(3, weight_initializer=DataDependent())).build(4)


@pytest.mark.parametrize("beta", [math.inf, math.nan, "0", None])
def test_beta_is_a_number(beta: object) -> None:
    with pytest.raises(ParameterError, match="beta must be a number"):
        DataDependent(beta)  # type: ignore[arg-type]

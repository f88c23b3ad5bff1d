"""Saxe et al. 2013: all singular values equal the gain, so a deep linear network preserves lengths, forwards and backwards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nncore as nn
from nncore.errors import ParameterError
from nncore.initializers.orthogonal import Orthogonal
from nncore.initializers.xavier_notes import XavierNotes

EPS = float(np.finfo(np.float64).eps)


def sample(shape: tuple[int, ...], gain: float = 1.0, seed: int = 0) -> np.ndarray:
    return Orthogonal(gain).sample(np.random.default_rng(seed), shape, 1, 1)


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), gain=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_all_singular_values_are_the_gain(rows: int, columns: int, gain: float, seed: int) -> None:
    values = np.linalg.svd(sample((rows, columns), gain, seed), compute_uv=False)
    np.testing.assert_allclose(values, gain, rtol=16 * max(rows, columns) * EPS)


@pytest.mark.parametrize("shape", [(7, 7), (30, 4), (4, 30)])
def test_the_shorter_side_is_orthonormal(shape: tuple[int, int]) -> None:
    w = sample(shape)
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=64 * EPS)
    assert w.flags.c_contiguous


@pytest.mark.parametrize("n", [1, 3, 50])
def test_a_vector_is_a_direction(n: int) -> None:
    assert np.linalg.norm(sample((n,), 2.5)) == pytest.approx(2.5, rel=8 * EPS)


def test_a_scalar_is_plus_or_minus_the_gain() -> None:
    assert {float(sample((), 2.5, seed)) for seed in range(20)} == {-2.5, 2.5}


def test_the_last_axis_holds_the_columns() -> None:
    np.testing.assert_array_equal(sample((2, 3, 4)).reshape(6, 4), sample((6, 4)))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)])
def test_empty(shape: tuple[int, ...]) -> None:
    assert sample(shape).shape == shape


def test_haar() -> None:
    """Matrices are Haar-distributed: E tr Q = 0, E (tr Q)² = 1, E det Q = 0. The signs of a plain QR give neither."""
    rng = np.random.default_rng(1)
    n_draws = 4000
    draws = np.array([Orthogonal().sample(rng, (4, 4), 4, 4) for _ in range(n_draws)])
    trace = np.trace(draws, axis1=1, axis2=2)
    assert abs(trace.mean()) < 5 / math.sqrt(n_draws)
    assert abs((trace**2).mean() - 1) < 5 * math.sqrt(2 / n_draws)  # E (tr Q)⁴ = 3
    assert abs(np.linalg.det(draws).mean()) < 5 / math.sqrt(n_draws)
    uncorrected = np.trace([np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(n_draws)], axis1=1, axis2=2)
    assert abs(uncorrected.mean()) > 10 / math.sqrt(n_draws), "this LAPACK needs no correction; the test shows nothing"


def deep_linear(initializer: nn.plugin.Initializer, n: int, depth: int) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [initializer.sample(rng, (n, n), n, n) for _ in range(depth)]


def test_fifty_linear_layers_keep_every_length_forwards_and_backwards() -> None:
    n, depth = 32, 50
    rng = np.random.default_rng(3)
    x, d_y = rng.normal(size=(2, 20, n))
    signal, gradient = x, d_y
    weights = deep_linear(Orthogonal(), n, depth)
    for forward, backward in zip(weights, reversed(weights), strict=True):
        signal, gradient = signal @ forward, gradient @ backward.T
        np.testing.assert_allclose(np.linalg.norm(signal, axis=1), np.linalg.norm(x, axis=1), rtol=depth * n * EPS)
        np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), np.linalg.norm(d_y, axis=1), rtol=depth * n * EPS)


def test_gaussian_layers_keep_the_length_on_average_but_crush_directions() -> None:
    """Scaled Gaussian layers keep lengths only on average and leave a few directions; orthogonal ones keep all."""

    def condition(initializer: nn.plugin.Initializer) -> float:
        values = np.linalg.svd(np.linalg.multi_dot(deep_linear(initializer, 32, 50)), compute_uv=False)
        return float(values[0] / values[len(values) // 2])

    assert condition(Orthogonal()) == pytest.approx(1, rel=1e-12)
    assert condition(XavierNotes()) > 1e4


def learning_time(initializer: nn.plugin.Initializer, depth: int, seed: int) -> int:
    """Steps of gradient descent until a linear network of `depth` layers has learnt a map of orthonormal columns; 300 at most.

    The step size falls as 1/depth, as in the paper, since the curvature along the way grows with the depth.
    """
    n, n_outputs = 12, 4
    target = sample((n, n_outputs), seed=99)
    rng = np.random.default_rng(seed)
    weights = [initializer.sample(rng, (n, n if k < depth - 1 else n_outputs), n, n) for k in range(depth)]
    for step in range(300):
        ahead = [np.eye(n)]
        for w in weights:
            ahead.append(ahead[-1] @ w)
        behind = ahead[-1] - target
        if np.sum(behind**2) < 0.01 * np.sum(target**2):
            return step
        for k in range(depth - 1, -1, -1):
            d_w = ahead[k].T @ behind
            behind = behind @ weights[k].T
            weights[k] = weights[k] - 0.4 / depth * d_w
    return 300


def test_learning_time_does_not_depend_on_the_depth() -> None:
    seeds = range(6)
    shallow, deep = (float(np.mean([learning_time(Orthogonal(), depth, seed) for seed in seeds])) for depth in (5, 50))
    assert 2 / 3 < deep / shallow < 3 / 2
    shallow, deep = (float(np.mean([learning_time(XavierNotes(), depth, seed) for seed in seeds])) for depth in (5, 20))
    assert deep > 3 * shallow


def test_in_a_network() -> None:
    layers = [nn.Dense(16, weight_initializer=Orthogonal(), use_bias=False) for _ in range(50)]
    network = nn.Sequential(*layers).build(16, rng=0, dtype="float64")
    x = np.random.default_rng(4).normal(size=(5, 16))
    np.testing.assert_allclose(np.linalg.norm(network.predict(x), axis=1), np.linalg.norm(x, axis=1), rtol=1e-12)


@pytest.mark.parametrize("gain", [0, -1.0, math.inf, math.nan, True, "1"])
def test_gain_out_of_range(gain: object) -> None:
    with pytest.raises(ParameterError, match="gain must be a number"):
        Orthogonal(gain=gain)  # type: ignore[arg-type]

"""Every activation's compiled kernel against its NumPy methods, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from manifest import classes
from ulp import ulps

from nncore.activations.leaky_relu import LeakyReLU
from nncore.activations.softmax import Softmax
from nncore.plugin import Activation
from nncore.testing import Guarded, tables
from nncore.testing.conformance import required_arguments

CASES = {name: cls() for name, cls in classes("activations").items() if not required_arguments(cls)}
CASES["leaky_relu(0.3)"] = LeakyReLU(slope=0.3)
SHAPES = [(0, 3), (1, 1), (1, 7), (8, 1), (3, 3), (70, 9), (33, 16), (1, 1023), (31, 33), (2, 1023), (9, 0)]
EXTREMES = [-np.inf, -1e30, -1e4, -90.0, -1e-40, -0.0, 0.0, 1e-40, 0.5, 18.0, 90.0, 1e4, 1e30, np.inf, np.nan]

every_case = pytest.mark.parametrize("phi", CASES.values(), ids=CASES.keys())
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


class Native:
    """The compiled kernel of an activation, called like its NumPy methods, on guarded buffers."""

    def __init__(self, phi: Activation, dtype: Any) -> None:
        assert phi.kernel is not None
        table: SimpleNamespace = tables.activation(phi.kernel.load())
        suffix = tables.SUFFIXES[np.dtype(dtype)]
        self._forward, self._backward = getattr(table, f"forward_{suffix}"), getattr(table, f"backward_{suffix}")
        self._hyper = np.array(phi.hyper())

    def forward(self, z: np.ndarray, in_place: bool = False) -> np.ndarray:
        z_buffer = Guarded(z)
        a_buffer = z_buffer if in_place else Guarded(np.full_like(z, 7))
        assert self._forward(z_buffer.array, a_buffer.array, *z.shape, self._hyper) == 0
        if not in_place:
            np.testing.assert_array_equal(z_buffer.check(), z)
        return a_buffer.check()

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray, in_place: bool = False) -> np.ndarray:
        z_buffer, a_buffer, d_a_buffer = Guarded(z), Guarded(a), Guarded(d_a)
        d_z_buffer = d_a_buffer if in_place else Guarded(np.full_like(z, 7))
        assert self._backward(z_buffer.array, a_buffer.array, d_a_buffer.array, d_z_buffer.array, *z.shape, self._hyper) == 0
        np.testing.assert_array_equal(z_buffer.check(), z)
        np.testing.assert_array_equal(a_buffer.check(), a)
        if not in_place:
            np.testing.assert_array_equal(d_a_buffer.check(), d_a)
        return d_z_buffer.check()


def tolerance(phi: Activation, z: np.ndarray) -> float:
    """Relative: a few ULP, and for sums over a row one rounding a term in either order of adding."""
    n_terms = z.shape[1] if isinstance(phi, Softmax) else 0
    return (6 + n_terms) * float(np.finfo(z.dtype).eps)


@every_case
@every_dtype
@every_shape
def test_forward_and_backward_agree_with_numpy(phi: Activation, dtype: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    z, d_a = (rng.normal(size=(2, *shape)) * [[[4.0]], [[1.0]]]).astype(dtype)
    native, rtol = Native(phi, dtype), tolerance(phi, z)
    a = phi.forward(z)
    np.testing.assert_allclose(native.forward(z), a, rtol=rtol)
    np.testing.assert_array_equal(native.forward(z, in_place=True), native.forward(z))
    if phi.trainable:
        kept = z if phi.needs_input else a
        d_z = phi.backward(kept, a, d_a)
        # Softmax subtracts numbers as large as the largest |d_a|, so its error is relative to that.
        atol = rtol * float(np.abs(a * 2 * np.abs(d_a).max(initial=0)).max(initial=0)) if isinstance(phi, Softmax) else 0
        np.testing.assert_allclose(native.backward(kept, a, d_a), d_z, rtol=rtol, atol=atol)
        np.testing.assert_array_equal(native.backward(kept, a, d_a, in_place=True), native.backward(kept, a, d_a))


@every_case
@every_dtype
def test_extremes_agree_with_numpy(phi: Activation, dtype: type) -> None:
    z = np.array(EXTREMES, dtype)[:, None]
    if isinstance(phi, Softmax):
        z = np.hstack([z, np.zeros_like(z), np.full_like(z, -1e4)])
    native, rtol = Native(phi, dtype), tolerance(phi, z)
    a = phi.forward(z)
    subnormal = float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(native.forward(z), a, rtol=rtol, atol=subnormal)
    if phi.trainable:
        kept, d_a = (z if phi.needs_input else a), np.full_like(z, 0.75)
        np.testing.assert_allclose(native.backward(kept, a, d_a), phi.backward(kept, a, d_a), rtol=rtol, atol=rtol)


@every_case
@every_dtype
@pytest.mark.parametrize("n_columns", [1, 3, 11, 15, 16, 17, 40, 300])
def test_a_block_of_rows_gives_the_bits_of_the_whole(phi: Activation, dtype: type, n_columns: int) -> None:
    rng = np.random.default_rng(2)
    z, d_a = (rng.normal(size=(2, 150, n_columns)) * 3).astype(dtype)
    native = Native(phi, dtype)
    blocks = [slice(a, b) for a, b in pairwise([0, 1, 2, 5, 13, 22, 39, 70, 150])]
    a = native.forward(z)
    np.testing.assert_array_equal(np.concatenate([native.forward(z[block]) for block in blocks]), a)
    if phi.trainable:
        kept = z if phi.needs_input else a
        parts = [native.backward(kept[block], a[block], d_a[block]) for block in blocks]
        np.testing.assert_array_equal(np.concatenate(parts), native.backward(kept, a, d_a))


@pytest.mark.parametrize("name", ["step", "sign"])
@every_dtype
def test_backward_without_derivative_reports_failure_and_writes_nothing(name: str, dtype: type) -> None:
    table = tables.activation(CASES[name].kernel.load())
    z, d_z = np.ones((2, 3), dtype), np.full((2, 3), 7, dtype)
    assert getattr(table, f"backward_{tables.SUFFIXES[np.dtype(dtype)]}")(z, z, z, d_z, 2, 3, np.empty(0)) != 0
    assert (d_z == 7).all()


def sweep(n: int) -> np.ndarray:
    """About `n` float32 numbers of either sign, equally dense in every binade, from both zeros over the subnormals to the largest."""
    largest = int(np.finfo(np.float32).max.view(np.uint32))
    magnitudes = np.linspace(0, largest, n // 2).astype(np.uint32).view(np.float32)
    return np.concatenate([magnitudes, -magnitudes])


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("sigmoid", lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))),
        ("tanh", np.tanh),
    ],
)
def test_float32_error_is_at_most_4_ulp(name: str, exact: Any) -> None:
    """Against float64, whose own error is invisible in float32; once over all magnitudes and once densely where the curve bends."""
    for z in (sweep(400_000), np.linspace(-20, 20, 400_000, dtype=np.float32)):
        a = Native(CASES[name], np.float32).forward(z[None])[0]
        assert ulps(a, exact(z.astype(np.float64))) <= 4
        np.testing.assert_array_equal(np.signbit(a), np.signbit(exact(z.astype(np.float64))))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="no type here has more digits than float64")
@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("sigmoid", lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))),
        ("tanh", np.tanh),
    ],
)
@pytest.mark.parametrize("width", [1e-12, 1.0, 40.0, 1500.0])
def test_float64_error_is_at_most_4_ulp(name: str, exact: Any, width: float) -> None:
    z = np.linspace(-width, width, 50_001)
    assert ulps(Native(CASES[name], np.float64).forward(z[None])[0], exact(z.astype(np.longdouble))) <= 4


@pytest.mark.parametrize(("dtype", "ends"), [(np.float32, (-104, 88.7)), (np.float64, (-746, 709.7))])
def test_exp_error_is_at_most_4_ulp(dtype: type, ends: tuple[float, float]) -> None:
    """From 0 over the subnormals to the largest number, and infinity beyond it."""
    exact = np.longdouble if dtype is np.float64 else np.float64
    if np.finfo(exact).nmant > np.finfo(dtype).nmant:
        z = np.linspace(*ends, 400_000, dtype=dtype)
        assert ulps(Native(CASES["exp"], dtype).forward(z[None])[0], np.exp(z.astype(exact))) <= 4
    assert Native(CASES["exp"], dtype).forward(np.array([[ends[1] + 1]], dtype)) == np.inf


def test_float32_exp_inside_softmax_is_at_most_4_ulp() -> None:
    """softmax([x, 0]) with x <= 0 is exp(x) / (1 + exp(x)): in the tail exp itself, down to the subnormals and to 0."""
    x = np.linspace(-110, -20, 400_000, dtype=np.float32)
    a = Native(CASES["softmax"], np.float32).forward(np.stack([x, np.zeros_like(x)], axis=1))
    assert ulps(a[:, 0], np.exp(x.astype(np.float64)) / (1 + np.exp(x.astype(np.float64)))) <= 4

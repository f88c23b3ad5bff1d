"""Every activation's compiled kernel against its NumPy methods, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from each import each
from native_activations import CASES, Native

from nncore.activations.gelu import GELU
from nncore.activations.hard_swish import HardSwish
from nncore.activations.log_softmax import LogSoftmax
from nncore.activations.mish import Mish
from nncore.activations.silu import SiLU
from nncore.activations.softmax import Softmax
from nncore.plugin import Activation
from nncore.testing import tables

#: Their derivative passes through zero, as a difference of numbers of order one.
NOT_MONOTONE = (GELU, SiLU, Mish, HardSwish)

#: Functions that sum over a row.
OF_ROWS = (Softmax, LogSoftmax)

SHAPES = [(0, 3), (1, 1), (1, 7), (8, 1), (3, 3), (70, 9), (33, 16), (1, 1023), (31, 33), (2, 1023), (9, 0)]
EXTREMES = [-np.inf, -1e30, -1e4, -90.0, -1e-40, -0.0, 0.0, 1e-40, 0.5, 18.0, 90.0, 1e4, 1e30, np.inf, np.nan]

every_case = pytest.mark.parametrize("phi", CASES.values(), ids=CASES.keys())
every_dtype = each("dtype", [np.float32, np.float64])
every_shape = each("shape", SHAPES)


def tolerance(phi: Activation, z: np.ndarray) -> float:
    """Relative: a few ULP, and for sums over a row one rounding a term in either order of adding."""
    n_terms = z.shape[1] if isinstance(phi, OF_ROWS) else 0
    return (8 + n_terms) * float(np.finfo(z.dtype).eps)


@every_case
@every_dtype
@every_shape
def test_forward_and_backward_agree_with_numpy(phi: Activation, dtype: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    z, d_a = (rng.normal(size=(2, *shape)) * [[[4.0]], [[1.0]]]).astype(dtype)
    native, rtol = Native(phi, dtype), tolerance(phi, z)
    a = phi.forward(z)
    # The oracle of Φ(z) rounds z/√2 and then takes exp of its square; test_accuracy.py tests the tail.
    np.testing.assert_allclose(native.forward(z), a, rtol=rtol, atol=rtol if isinstance(phi, GELU) else 0)
    np.testing.assert_array_equal(native.forward(z, in_place=True), native.forward(z))
    if phi.trainable:
        kept = z if phi.needs_input else a
        d_z = phi.backward(kept, a, d_a)
        # Softmax subtracts numbers as large as the largest |d_a|, so its error is relative to that.
        atol = rtol * float(np.abs(a * 2 * np.abs(d_a).max(initial=0)).max(initial=0)) if isinstance(phi, Softmax) else 0
        if isinstance(phi, LogSoftmax):
            atol = rtol * float(np.abs(d_a).sum(axis=1).max(initial=0))
        if isinstance(phi, NOT_MONOTONE):
            atol = rtol * float(np.abs(d_a).max(initial=0))
        np.testing.assert_allclose(native.backward(kept, a, d_a), d_z, rtol=rtol, atol=atol)
        np.testing.assert_array_equal(native.backward(kept, a, d_a, in_place=True), native.backward(kept, a, d_a))


@every_case
@every_dtype
def test_extremes_agree_with_numpy(phi: Activation, dtype: type) -> None:
    z = np.array(EXTREMES, dtype)[:, None]
    if isinstance(phi, OF_ROWS):
        z = np.hstack([z, np.zeros_like(z), np.full_like(z, -1e4)])
    native, rtol = Native(phi, dtype), tolerance(phi, z)
    a = phi.forward(z)
    # Subnormal values of exp have fewer digits, and so has their product with z.
    lost = 90 * float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(native.forward(z), a, rtol=rtol, atol=lost if isinstance(phi, NOT_MONOTONE) else lost / 90)
    if phi.trainable:
        kept, d_a = (z if phi.needs_input else a), np.full_like(z, 0.75)
        np.testing.assert_allclose(native.backward(kept, a, d_a), phi.backward(kept, a, d_a), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("phi", [phi for name, phi in CASES.items() if name != "exp"], ids=[name for name in CASES if name != "exp"])
@every_dtype
def test_nothing_overflows_up_to_half_the_largest_number(phi: Activation, dtype: type) -> None:
    largest = float(np.finfo(dtype).max) / 2
    z = np.array([[-largest, -1e30, 0, 1e30, largest]], dtype).reshape(-1, 1)
    native = Native(phi, dtype)
    a = native.forward(z)
    assert np.isfinite(a).all()
    if phi.trainable:
        assert np.isfinite(native.backward(z if phi.needs_input else a, a, np.ones_like(z))).all()


@every_case
@every_dtype
@each("n_columns", [1, 3, 11, 15, 16, 17, 40, 300])
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
    assert getattr(table, f"backward_{tables.SUFFIXES[np.dtype(dtype)]}")(z=z, a=z, d_a=z, d_z=d_z, n_rows=2, n_columns=3) != 0
    assert (d_z == 7).all()

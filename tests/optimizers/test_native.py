"""Every optimizer's compiled kernel against its NumPy step, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from each import each
from optimizers.running import OPTIMIZERS

from nncore.contract import does
from nncore.optimizers.lamb import LAMB
from nncore.optimizers.muon import Muon
from nncore.optimizers.schedule_free import ScheduleFree
from nncore.optimizers.schedule_free_sgd import ScheduleFreeSGD
from nncore.plugin import Optimizer, OptimizerWrapper
from nncore.testing import Guarded, tables
from nncore.testing.optimizers import check_parts
from nncore.testing.stepping import layout, native_step, numpy_step, zeros

SIZES = [0, 1, 7, 8, 9, 1023]

every = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
every_elementwise = pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if not o.needs_tensors], ids=repr)
every_dtype = each("dtype", [np.float32, np.float64])


@every
def test_the_table_offers_a_step_that_never_fails_for_each_dtype(optimizer: Optimizer) -> None:
    assert optimizer.kernel is not None
    assert optimizer.kernel.never_fails
    stems = [stem for stem, is_done in does(optimizer).items() if is_done] if isinstance(optimizer, OptimizerWrapper) else ["step"]
    expected = {f"{stem}_{suffix}" for stem in stems for suffix in tables.SUFFIXES.values()}
    assert {name for name, function in vars(tables.optimizer(optimizer.kernel.load())).items() if function is not None} == expected


def amplified(optimizer: Optimizer) -> float:
    """Factor by which a rounding error may grow: Muon's iterations amplify errors beside small singular values by the slope at 0."""
    return float(3.4445**optimizer.n_iterations) if isinstance(optimizer, Muon) else 1.0


@every
@every_dtype
@each("n", SIZES)
def test_agrees_with_numpy(optimizer: Optimizer, dtype: type, n: int) -> None:
    rng = np.random.default_rng(n)
    w, state = rng.normal(size=n).astype(dtype), zeros(optimizer, n, dtype, layout(n))
    # Operands are of order 1, with some four roundings of difference from fused operations and another order.
    tolerance = 16 * float(np.finfo(dtype).eps) * amplified(optimizer)
    for t in range(1, 7):
        g = rng.normal(size=n).astype(dtype)
        native_w, native_g, native_state = Guarded(w), Guarded(g), [Guarded(kept) for kept in state]
        native_step(optimizer, native_w.array, native_g.array, [kept.array for kept in native_state], t, layout(n))
        numpy_step(optimizer, w, g, state, t, layout(n))
        np.testing.assert_allclose(native_w.check(), w, rtol=tolerance, atol=tolerance)
        for kept, expected in zip(native_state, state, strict=True):
            np.testing.assert_allclose(kept.check(), expected, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(native_g.check(), g)


@every
@each("t", [1, 2, 1000, 10**6, 2**40])
def test_float32_keeps_its_digits_at_every_step_number(optimizer: Optimizer, t: int) -> None:
    """Compared with NumPy in float64; computed in float32, the bias corrections 1 − βᵗ would lose their digits."""
    rng = np.random.default_rng(1)
    w32, g32 = (rng.normal(size=33).astype(np.float32) for _ in range(2))
    state32 = zeros(optimizer, 33, np.float32, layout(33))
    for kept in state32:
        kept[...] = rng.uniform(0.1, 1, kept.shape)
    w, g, *state = (array.astype(np.float64) for array in (w32, g32, *state32))
    native_step(optimizer, w32, g32, state32, t, layout(33))
    before = w.copy()
    numpy_step(optimizer, w, g, state, t, layout(33))
    eps = np.finfo(np.float32).eps
    np.testing.assert_allclose(w32, w, rtol=2 * eps, atol=16 * eps * np.abs(w - before).max() * amplified(optimizer) + eps)
    for kept, expected in zip(state32, state, strict=True):
        np.testing.assert_allclose(kept, expected, rtol=4 * eps, atol=4 * eps)


@every
@every_dtype
@each("step", [numpy_step, native_step])
def test_without_a_gradient_nothing_moves(optimizer: Optimizer, dtype: type, step: Callable[..., None]) -> None:
    """A parameter without any gradient does not move, except by decay: its step is 0 / (0 + ε), also with the least ε."""
    if "epsilon" in optimizer.ranges:
        optimizer = type(optimizer)(**optimizer.config() | {"epsilon": 1e-30})
    if isinstance(optimizer, (LAMB, ScheduleFree, ScheduleFreeSGD)):  # their decay is part of an update of another length
        optimizer = type(optimizer)(**optimizer.config() | {"weight_decay": 0.0})
    w = np.linspace(-2, 2, 19).astype(dtype)
    kept = 1 - optimizer.lr * getattr(optimizer, "weight_decay", 0)
    expected, state = w * dtype(kept), zeros(optimizer, 19, dtype, layout(19))
    step(optimizer, w, np.zeros(19, dtype), state, 1, layout(19))
    np.testing.assert_array_equal(w, expected)
    for array in state:
        assert (np.abs(array) <= 1e-30).all()  # 0, or the ε that Adafactor adds to squares


@every
def test_parts_give_the_bits_of_the_whole(optimizer: Optimizer) -> None:
    """The conformance kit's check, for unusual hyperparameters and at every level."""
    check_parts(optimizer)


@every_elementwise
@every_dtype
def test_nan_stays_where_it_is(optimizer: Optimizer, dtype: type) -> None:
    w, state, g = np.ones(21, dtype), zeros(optimizer, 21, dtype), np.ones(21, dtype)
    g[[0, 17]] = np.nan
    native_step(optimizer, w, g, state, 1)
    np.testing.assert_array_equal(np.isnan(w), np.isnan(g))


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if o.needs_tensors], ids=repr)
def test_no_tensors_no_step(optimizer: Optimizer) -> None:
    for step in (numpy_step, native_step):
        w = np.ones(5)
        step(optimizer, w, np.ones(5), [], 1, [])
        np.testing.assert_array_equal(w, 1)

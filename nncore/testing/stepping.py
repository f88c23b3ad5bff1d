"""One step of an optimizer, in NumPy or compiled, on tensors cut out of the vectors like those of a network."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from nncore.contract import Kernel, Optimizer, TensorSpan, native_kernel
from nncore.testing import tables

#: ``step(optimizer, w, g, state, t, tensors)``.
Step = Callable[[Optimizer, np.ndarray, np.ndarray, np.ndarray, int, Sequence[TensorSpan]], None]


def numpy_step(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    """The `step` method."""
    optimizer.step(w, g, state, t, *([tensors] if optimizer.needs_tensors else []))


def native_step(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    """The function of the compiled kernel."""
    if not optimizer.needs_tensors:
        return native_step_on(optimizer, w, g, state, t, slice(0, w.size))
    rows = [(span.offset, span.rows, span.columns, span.layer, tables.ROLES[span.role]) for span in tensors]
    _call(optimizer, w, g, state, t, w.size, tensors=np.array(rows, tables.TENSOR), n_tensors=len(rows))


def native_step_on(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, part: slice) -> None:
    """The same for some of the parameters, as a thread of the host does it; `state` is that of all."""
    w_part, g_part, state_part = w[part], g[part], state.reshape(-1)[part.start :]  # which begins where the part's first slot does
    _call(optimizer, w_part, g_part, state_part, t, w.size)


def _call(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, stride: int, **tensors: np.ndarray | int) -> None:
    kernel = native_kernel(optimizer)
    assert kernel is not None, "only an optimizer with a kernel has a native step"
    hyper = np.array(optimizer.hyper(), np.float64)
    function = _function(kernel, f"step_{tables.SUFFIXES[w.dtype]}")
    function.must(w=w, g=g, state=state, n=w.size, stride=stride, t=t, step=t, training=1, hyper=hyper, **tensors)


@functools.cache
def _function(kernel: Kernel, name: str) -> tables.Function:
    function: tables.Function | None = getattr(tables.optimizer(kernel.load()), name)
    if function is None:
        raise AssertionError(f"the kernel has no {name}")
    return function


def steps(optimizer: Optimizer) -> dict[str, Step]:
    """The rungs of an optimizer by name: ``"NumPy"``, and ``"the kernel"`` if it has one."""
    return {"NumPy": numpy_step} | ({"the kernel": native_step} if native_kernel(optimizer) else {})


def layout(n: int) -> list[TensorSpan]:
    """The tensors of a network with `n` parameters: two layers of weights and biases, with a layer that has none between them."""
    n_first = n // 2
    rows = math.isqrt(n_first)
    columns = n_first // rows if rows else 0
    n_bias = min(columns, (n - rows * columns) // 2)
    n_rest = n - rows * columns - n_bias
    n_last = n_rest // 8
    shapes = [
        ("dense_1.weight", "weight", 0, rows, columns),
        ("dense_1.bias", "bias", 0, 1, n_bias),
        ("dense_2.weight", "weight", 2, n_rest - n_last, 1),
        ("dense_2.bias", "bias", 2, 1, n_last),
    ]
    spans, offset = [], 0
    for name, role, layer, n_rows, n_columns in shapes:
        if n_rows * n_columns:
            spans.append(TensorSpan(name, role, layer, offset, n_rows, n_columns))
            offset += n_rows * n_columns
    return spans

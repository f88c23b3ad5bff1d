"""Run a step of an optimizer, in NumPy or compiled, on tensors that are parts of vectors as in a network."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from nncore.contract import Kernel, Optimizer, OptimizerWrapper, TensorSpan, does, native_kernel
from nncore.program import declared_state, needed_work
from nncore.testing import tables
from nncore.testing.expectations import expect
from nncore.testing.guarded import Guarded

#: State of an optimizer: its slots (n_slots, n), or with `needs_tensors` each declared array, tensor by tensor.
Kept = list[np.ndarray]

#: ``step(optimizer, w, g, state, t, tensors)``, on flat vectors of which the tensors are parts.
Step = Callable[[Optimizer, np.ndarray, np.ndarray, Kept, int, Sequence[TensorSpan]], None]


def zeros(optimizer: Optimizer, n: int, dtype: type | np.dtype, tensors: Sequence[TensorSpan] = ()) -> Kept:
    """State of an optimizer before its first step on `n` parameters."""
    dtype = np.dtype(dtype)
    if not optimizer.needs_tensors:
        return [np.zeros((optimizer.n_slots, n), dtype)]
    return [np.zeros(state.shape, state.dtype_in(dtype)) for states in declared_state(optimizer, tensors) for state in states]


def numpy_step(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: Kept, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    """Call the `step` method."""
    if optimizer.needs_tensors:
        kept = _by_name(optimizer, state, tensors)
        optimizer.step(_matrices(w, tensors), _matrices(g, tensors), kept, t, tensors)
        after = [array for arrays in kept for array in arrays.values()]
        in_place = len(after) == len(state) and all(array is own for array, own in zip(after, state, strict=True))
        expect(in_place, "`step` put another array into a dict of state; it is to change the arrays that are there")
    else:
        optimizer.step(w, g, state[0], t)


def evaluate(optimizer: Optimizer, w: np.ndarray, state: Kept, out: np.ndarray, tensors: Sequence[TensorSpan]) -> None:
    """Call the `evaluation` method."""
    if optimizer.needs_tensors:
        optimizer.evaluation(_matrices(w, tensors), _by_name(optimizer, state, tensors), _matrices(out, tensors))
    else:
        optimizer.evaluation(w, state[0], out)


def _matrices(vector: np.ndarray, tensors: Sequence[TensorSpan]) -> list[np.ndarray]:
    return [vector[span.offset : span.offset + span.size].reshape(span.shape) for span in tensors]


def _by_name(optimizer: Optimizer, state: Kept, tensors: Sequence[TensorSpan]) -> list[dict[str, np.ndarray]]:
    arrays = iter(state)
    return [{one.name: next(arrays) for one in states} for states in declared_state(optimizer, tensors)]


def native_step(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: Kept, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    """Call the function of the compiled kernel."""
    native_step_on(optimizer, w, g, state, t, tensors, slice(0, len(tensors) if optimizer.needs_tensors else w.size))


def native_step_on(
    optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: Kept, t: int, tensors: Sequence[TensorSpan], part: slice
) -> None:
    """Call the kernel on some of the parameters or tensors, as a thread of the host does. `state` is the state of all.

    For a wrapper, its functions are called around that of the inner optimizer.
    """
    if isinstance(optimizer, OptimizerWrapper):
        own, inner = _split(optimizer, state, tensors)
        _native_around(optimizer, "before_step", w, own, t, tensors, part)
        native_step_on(optimizer.optimizer, w, g, inner, t, tensors, part)
        _native_around(optimizer, "after_step", w, own, t, tensors, part)
        return
    if not optimizer.needs_tensors:
        first_slot = state[0].reshape(-1)[part.start :]  # begins at the part's first slot
        _call(optimizer, w.dtype, t, w=w[part], g=g[part], state=first_slot, n=part.stop - part.start, stride=w.size)
        return
    places = np.array([array.ctypes.data for array in state], np.uintp)
    table, first = np.zeros(len(tensors), tables.TENSOR), 0
    for line, span, states in zip(table, tensors, declared_state(optimizer, tensors), strict=True):
        line["w"], line["g"] = (vector.ctypes.data + span.offset * vector.itemsize for vector in (w, g))
        line["state"] = places.ctypes.data + first * places.itemsize
        first += len(states)
        for name in ("offset", "rows", "columns", "layer"):
            line[name] = getattr(span, name)
        line["role"] = tables.ROLES[span.role]
    work = Guarded(np.full(needed_work(optimizer, tensors), np.nan, w.dtype), "the working memory")
    _call(optimizer, w.dtype, t, tensors=table, n_tensors=len(table), begin_tensor=part.start, end_tensor=part.stop, work=work.array)
    work.check()


def _split(wrapper: OptimizerWrapper, state: Kept, tensors: Sequence[TensorSpan]) -> tuple[Kept, Kept]:
    """Split the state into that of a wrapper and that of the inner optimizer."""
    if not wrapper.needs_tensors:
        return [state[0][: wrapper.own_slots]], [state[0][wrapper.own_slots :]]
    arrays, own, inner = iter(state), [], []
    for states in declared_state(wrapper.optimizer, tensors):
        own += [next(arrays) for _ in range(bool(wrapper.own_slots))]
        inner += [next(arrays) for _ in states]
    return own, inner


def _native_around(
    wrapper: OptimizerWrapper, stem: str, w: np.ndarray, own: Kept, t: int, tensors: Sequence[TensorSpan], part: slice
) -> None:
    """Call a wrapper's kernel before or after a step on some of the parameters or tensors."""
    if not does(wrapper)[stem]:
        return
    function, hyper = _function_of(wrapper, f"{stem}_{tables.SUFFIXES[w.dtype]}"), np.array(wrapper.own_hyper(), np.float64)
    if not wrapper.needs_tensors:
        pieces = [(w[part], own[0].reshape(-1)[part.start :], w.size)]
    else:
        pieces = [
            (w[span.offset : span.offset + span.size], own[i + part.start] if own else np.empty(0), span.size)
            for i, span in enumerate(tensors[part])
        ]
    for piece, state, stride in pieces:
        function.must(w=piece, state=state, n=piece.size, stride=stride, t=t, step=t, training=1, hyper=hyper)


def native_perturb(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, norm: float) -> None:
    """Call the compiled form of `perturb`."""
    inner = optimizer
    while isinstance(inner, OptimizerWrapper) and not does(inner)["perturb"]:
        inner = inner.optimizer
    hyper = np.array(inner.own_hyper() if isinstance(inner, OptimizerWrapper) else inner.hyper(), np.float64)
    function = _function_of(inner, f"perturb_{tables.SUFFIXES[w.dtype]}")
    function.must(w=w, g=g, n=w.size, t=1, step=1, training=1, norm=norm, hyper=hyper)


def _function_of(optimizer: Optimizer, name: str) -> tables.Function:
    """A function of the optimizer's own kernel, also for a wrapper."""
    kernel = native_kernel(type(optimizer))
    assert kernel is not None, "only an optimizer with a kernel has native functions"
    return _function(kernel, name)


def _call(optimizer: Optimizer, dtype: np.dtype, t: int, **fields: np.ndarray | int) -> None:
    kernel = native_kernel(optimizer)
    assert kernel is not None, "only an optimizer with a kernel has a native step"
    function = _function(kernel, f"step_{tables.SUFFIXES[dtype]}")
    function.must(t=t, step=t, training=1, hyper=np.array(optimizer.hyper(), np.float64), **fields)


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
    """The tensors of a network with `n` parameters: two layers with weights and biases, and a layer without parameters between them."""
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

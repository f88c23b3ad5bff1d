"""Call a layer on guarded buffers, in NumPy or compiled, as a whole or in parts as the host may split it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from nncore.contract import Buffer, Layer, LayerCall, Plan, Tensor, native_kernel
from nncore.program import named_views
from nncore.testing import tables
from nncore.testing.expectations import expect, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.uneven import uneven

#: Numbers that identify a call, and seed its random numbers.
SEED, STEP_NUMBER, POSITION = 12345, 3, 1
#: Smallest number of rows of a tensor whose touched rows are checked, and number of bits in a word.
ASKED_FROM, BITS = 256, 64
#: Content of buffers before a layer writes them. No result may depend on it.
NOISE = 7

#: How a call is split. "sums": a whole call, with its sums over the batch joined from parts of the rows.
Split = Literal["nothing", "rows", "columns", "parameters", "sums"]


class Call:
    """A layer with all data of one batch.

    Parameters
    ----------
    layer : Layer
    x : ndarray of shape (n_rows, ...)
    parameters : ndarray of shape (n_parameters,)
    buffers : ndarray of shape (n_buffers,)
        Values of untrained buffers before the call.
    training : bool, default True
    first_row : int, default 0
        Number of the first row, if `x` is a slice of a batch.
    batch_rows : int, optional
        Number of rows of the whole batch. Default: the length of `x`.
    """

    def __init__(
        self,
        layer: Layer,
        x: np.ndarray,
        parameters: np.ndarray,
        buffers: np.ndarray,
        training: bool = True,
        first_row: int = 0,
        batch_rows: int | None = None,
    ) -> None:
        self.layer, self.plan, self.training, self.first_row = layer, layer.plan(x.shape[1:]), training, first_row
        self.batch_rows = len(x) if batch_rows is None else batch_rows
        dtype, n_rows, n_outputs = x.dtype, len(x), math.prod(self.plan.output_shape)
        kernel = native_kernel(layer)
        self.table = None if kernel is None else tables.layer(kernel.load())
        self._sample_shape, self._x, self._parameters = x.shape[1:], x.reshape(n_rows, -1).copy(), parameters.copy()
        self._hyper = np.array(layer.hyper(), np.float64)
        inner = None if kernel is None or layer.inner_activation is None else native_kernel(layer.inner_activation)
        self._inner = None if inner is None else tables.address_of_table(inner.load(), "activation")

        def noise(name: str, *shape: int) -> Guarded:
            return Guarded(np.full(shape, NOISE, dtype), name)

        self.x, self.y = Guarded(self._x, "x"), noise("y", n_rows, n_outputs)
        self.d_x = noise("d_x", *self._x.shape)
        self.parameters, self.d_parameters = Guarded(parameters, "parameters"), noise("d_parameters", parameters.size)
        self.buffers = Guarded(buffers, "buffers")
        self.cache = noise("cache", self.plan.cache + self.plan.cache_per_row * n_rows)
        self.work = noise("work", self.plan.work + self.plan.work_per_row * n_rows)

    # ---- the two directions ---------------------------------------------------------------------------------------------------

    def forward(self, split: Split = "nothing") -> np.ndarray:
        """The outputs."""
        if self.table is None:
            self._in_numpy(self.layer.forward, self._python_call(None, want_d_x=False))
            self._check("forward")
        elif split == "rows":
            for part, rows, cached in self._slices():
                self.y.array[rows] = part.forward()
                self.cache.array[cached], self.buffers.array[...] = part.cache.array, part.buffers.array
        elif self.training:
            self._by_columns("forward", self.y, None, False, split)
        else:
            self._native("forward", keeps_cache=False)
            alone = self.y.array.copy()
            self._native("forward", keeps_cache=True)  # for gradients of the prediction
            expect_same_bits(self.y.array, alone, "y at prediction with a cache, which must be that without")
        return self.y.check()

    def backward(self, d_y: np.ndarray, want_d_x: bool = True, split: Split = "nothing") -> tuple[np.ndarray, np.ndarray]:
        """(d_x, d_parameters), after `forward`. A layer must not read its own output again: an activation may have changed it."""
        self.y.array[...] = np.nan
        guarded = Guarded(d_y, "d_y")
        if self.table is None:
            self._in_numpy(self.layer.backward, self._python_call(guarded, want_d_x))
            self._check("backward")
        elif self.plan.gradient_unit == 0:
            if want_d_x or self.plan.tensors:  # otherwise the host does not call it
                self._backward(guarded, want_d_x, split)
        else:
            if want_d_x or self.plan.backward_fills_cache:
                self._backward(guarded, want_d_x, split)
            expect((self.d_parameters.array == NOISE).all(), "backward writes d_parameters, which are for gradient to write")
            d_x = self.d_x.array.copy()
            self._gradient(guarded, in_ranges=split == "parameters")
            if split == "nothing":
                self._check_touched(guarded)
            expect_same_bits(self.d_x.array, d_x, "d_x after gradient, which must not write it")
        expect_same_bits(guarded.check(), d_y, "d_y after backward, which must not write it")
        return self.d_x.check(), self.d_parameters.check()

    def _backward(self, d_y: Guarded, want_d_x: bool, split: Split) -> None:
        if split == "rows":
            for part, rows, cached in self._slices():
                part._backward(Guarded(d_y.array[rows], "d_y"), want_d_x, "nothing")
                self.d_x.array[rows], self.d_parameters.array[...] = part.d_x.array, part.d_parameters.array
                self.cache.array[cached] = part.cache.array
        else:
            cache = self.cache.array.copy()
            self._by_columns("backward", self.d_x, d_y, want_d_x, split)
            if not self.plan.backward_fills_cache:
                what = "the cache after backward, which may write it only if the plan says backward_fills_cache"
                expect_same_bits(self.cache.array, cache, what)

    # ---- in parts -------------------------------------------------------------------------------------------------------------

    def _slices(self) -> list[tuple[Call, slice, slice]]:
        """Calls on slices of rows, each with its own buffers, and their slices of the rows and of the cache."""
        slices = []
        for first, end in uneven(len(self._x)):
            rows, cached = slice(first, end), slice(first * self.plan.cache_per_row, end * self.plan.cache_per_row)
            x = self._x[rows].reshape(end - first, *self._sample_shape)
            part = Call(self.layer, x, self._parameters, self.buffers.array, self.training, first, len(self._x))
            part.cache.array[...] = self.cache.array[cached]
            slices.append((part, rows, cached))
        return slices

    def _by_columns(self, direction: str, written: Guarded, d_y: Guarded | None, want_d_x: bool, split: Split) -> None:
        """Call for all columns of `written`, or for ranges of them."""
        n = written.array.shape[1]
        sums = self._joined_sums(direction, d_y) if split == "sums" else None
        for begin, end in uneven(n) if split == "columns" else [(0, n)]:
            before = written.array.copy()
            self._native(
                direction, d_y, want_d_x, begin_column=begin, end_column=end, sums=None if sums is None else batch_sums(sums.array)
            )
            before[:, begin:end] = written.array[:, begin:end]
            expect_same_bits(
                written.array, before, f"{written.name} outside of columns {begin} to {end - 1}, which {direction} was asked for"
            )

    def _joined_sums(self, direction: str, d_y: Guarded | None) -> Guarded:
        """The sums over the batch that forward or backward needs, by ranges of columns if the plan allows it."""
        n_rows, n = self._x.shape
        parts = sorted(uneven(n_rows))
        sums = Guarded(np.full((self.plan.batch_sums, n), NOISE, np.float64), "sums")
        for begin, end in uneven(n) if self.plan.split_columns else [(0, n)]:
            columns: dict[str, Any] = {"begin_column": begin, "end_column": end}
            for first, last in parts:
                own = sums if first == 0 else Guarded(np.full((self.plan.batch_sums, n), NOISE, np.float64), "sums of other rows")
                own_d_y = None if d_y is None else Guarded(d_y.array[first:last], "d_y")
                rows: dict[str, Any] = {"x": self.x.array[first:last], "first_row": first, "n_rows": last - first}
                self._native(f"{direction}_sums", own_d_y, **rows, **columns, sums=batch_sums(own.array))
                if first > 0:
                    both = batch_sums(sums.array, own.check(), last - first)
                    self._native("join_sums", d_y, n_rows=first, **columns, sums=both)
        sums.check()
        return sums

    def _gradient(self, d_y: Guarded, in_ranges: bool) -> None:
        """Call for all parameters, or for ranges of them. Once with NaN in place of data that must not be read, and once without."""
        n = self.d_parameters.array.size
        for begin, end in uneven(n, self.plan.gradient_unit) if in_ranges else [(0, n)]:
            poisoned, part = (Guarded(np.full(end - begin, NOISE, self._x.dtype), "d_parameters") for _ in range(2))
            self._native("gradient", d_y, d_parameters=poisoned, is_poisoned=True, begin_parameter=begin, end_parameter=end)
            self._native("gradient", d_y, d_parameters=part, begin_parameter=begin, end_parameter=end)
            self.d_parameters.array[begin:end] = part.check()
            forbidden = "y and d_x" if self.plan.reads_parameters_in_gradient else "parameters, y and d_x"
            remedy = "" if self.plan.reads_parameters_in_gradient else "; a plan can ask for parameters with reads_parameters_in_gradient"
            expect_same_bits(
                poisoned.check(), part.array, f"d_parameters with NaN in {forbidden}, which gradient must not read{remedy}: they"
            )

    def _check_touched(self, d_y: Guarded) -> None:
        """Check that gradients of only the touched rows equal those of all, for tensors with a `sparse_gradient`; also for ranges of
        rows."""
        begin = 0
        for number, tensor in enumerate(self.plan.tensors):
            n_rows, columns = tensor.shape[0], tensor.size // tensor.shape[0]
            is_asked = tensor.sparse_gradient and n_rows >= ASKED_FROM
            for first, end in [(0, n_rows), *uneven(n_rows)] if is_asked else []:
                place = begin + first * columns, begin + end * columns
                rows = self.d_parameters.array[slice(*place)].reshape(-1, columns)
                self._check_touched_rows(d_y, number, n_rows, first, place, rows)
            begin += tensor.size

    def _check_touched_rows(self, d_y: Guarded, number: int, n_rows: int, first: int, place: tuple[int, int], rows: np.ndarray) -> None:
        """Check rows from `first` on, whose gradients are `rows` and whose parameters are at ``place[0]`` to ``place[1]``."""
        what = f"{self.plan.tensors[number].name}, rows {first} to {first + len(rows) - 1}"
        n_words = -(-n_rows // BITS)
        bits, filled = (Guarded(np.zeros(n, np.uint64), name) for n, name in ((n_words, "rows"), (-(-n_words // BITS), "filled")))
        before = np.zeros(n_words, np.int64)
        touched = np.array([(number, *(array.ctypes.data for array in (bits.array, filled.array, before)))], tables.TOUCHED)
        asked: dict[str, Any] = {"begin_parameter": place[0], "end_parameter": place[1], "touched": touched}
        self._native("touch", d_y, d_parameters=Guarded(np.zeros(0, self._x.dtype), "d_parameters"), **asked)
        found = np.flatnonzero(_bits(bits.check())) - first
        expect(((found >= 0) & (found < len(rows))).all(), f"{what}: touch says rows {found + first}, some of which it was not asked for")
        expect((np.flatnonzero(_bits(filled.check())) == np.flatnonzero(bits.array)).all(), f"{what}: touch fills words: use nnc_touch")
        others = np.delete(rows, found, axis=0)
        expect(not others.any(), f"{what}: a row that touch leaves out has a gradient other than zero")
        counts = np.bincount((found + first) // BITS, minlength=n_words)
        before[:] = np.cumsum(counts) - counts
        part = Guarded(np.zeros(len(found) * rows.shape[1], self._x.dtype), "d_parameters")
        self._native("touched_gradient", d_y, d_parameters=part, is_poisoned=True, **asked)
        expect_same_bits(
            part.check().reshape(-1, rows.shape[1]), rows[found], f"{what}: touched_gradient, which must give what gradient does: they"
        )

    # ---- one call of a function -----------------------------------------------------------------------------------------------

    @staticmethod
    def _in_numpy(method: Callable[[LayerCall], None], call: LayerCall) -> None:
        """Call the method without NumPy's warnings: BLAS may compute with memory after an array and discard the result, but not the
        flag."""
        with np.errstate(invalid="ignore", over="ignore"):
            method(call)

    def _python_call(self, d_y: Guarded | None, want_d_x: bool) -> LayerCall:
        return LayerCall(
            x=self.x.array,
            y=self.y.array,
            d_y=np.empty((0, 0)) if d_y is None else d_y.array,
            d_x=self.d_x.array if want_d_x else None,
            parameters=named_views(self.plan.tensors, self.parameters.array),
            d_parameters=named_views(self.plan.tensors, self.d_parameters.array),
            buffers=named_views(self.plan.buffers, self.buffers.array),
            cache=self.cache.array,
            numbers=self.plan.numbers,
            input_shape=self._sample_shape,
            output_shape=self.plan.output_shape,
            seed=SEED,
            step=STEP_NUMBER,
            layer=POSITION,
            training=self.training,
        )

    def _native(
        self,
        direction: str,
        d_y: Guarded | None = None,
        want_d_x: bool = False,
        *,
        keeps_cache: bool = True,
        d_parameters: Guarded | None = None,
        is_poisoned: bool = False,
        **changes: Any,
    ) -> None:
        """Call the kernel's function on these buffers, with fields for the range of results to write, or the rows to use.

        If `is_poisoned`, data that ``gradient`` must not read are NaN.
        """
        name = f"{direction}_{tables.SUFFIXES[self._x.dtype]}"
        function = getattr(self.table, name)
        expect(function is not None, f"the kernel has no {name}")
        in_gradient, n_outputs = direction in ("gradient", "touch", "touched_gradient"), self.y.array.shape[1]
        y, d_x, parameters = self.y.array, self.d_x.array, self.parameters.array
        if is_poisoned:
            y, d_x = np.full_like(y, np.nan), np.full_like(d_x, np.nan)
            if not self.plan.reads_parameters_in_gradient:
                parameters = np.full_like(parameters, np.nan)
        written = (d_parameters or self.d_parameters).array
        # gradient has no scratch memory for each row, only some for each thread.
        work = Guarded(np.full(self.plan.work, NOISE, self._x.dtype), "work in gradient") if in_gradient else self.work
        fields: dict[str, Any] = {"begin_column": 0, "end_column": n_outputs, "begin_parameter": 0, "end_parameter": self._parameters.size}
        fields |= {"x": self.x.array, "first_row": self.first_row, "n_rows": len(self._x), "sums": None}
        function.must(
            y=y,
            d_y=None if d_y is None else d_y.array,
            d_x=d_x if want_d_x or in_gradient else None,
            parameters=parameters,
            tensors=self._places(parameters),
            d_parameters=written,
            d_tensors=None if in_gradient else self._places(written),
            buffers=self.buffers.array,
            cache=self.cache.array if keeps_cache else None,
            n_tensors=len(self.plan.tensors),
            n_inputs=self._x.shape[1],
            n_outputs=n_outputs,
            batch_rows=self.batch_rows,
            **fields | changes,
            activation=self._inner,
            hyper=self._hyper,
            numbers=self.plan.numbers,
            n_numbers=len(self.plan.numbers),
            input_shape=self._sample_shape,
            n_input_dims=len(self._sample_shape),
            output_shape=self.plan.output_shape,
            n_output_dims=len(self.plan.output_shape),
            work=work.array if work.array.size else None,
            seed=SEED,
            step=STEP_NUMBER,
            layer=POSITION,
            training=int(self.training),
        )
        work.check()
        self._check(direction)

    def _places(self, vector: np.ndarray) -> list[int]:
        """Position of each tensor in a vector of all."""
        sizes = [tensor.size for tensor in self.plan.tensors]
        return [vector.ctypes.data + vector.itemsize * sum(sizes[:k]) for k in range(len(sizes))]

    def _check(self, direction: str) -> None:
        """Check that no input was changed, and nothing was written outside the buffers."""
        expect_same_bits(self.x.check(), self._x, f"x after {direction}, which must not write it")
        expect_same_bits(self.parameters.check(), self._parameters, f"parameters after {direction}, which must not write them")
        for buffer in (self.y, self.d_x, self.d_parameters, self.buffers, self.cache, self.work):
            buffer.check()


def _bits(words: np.ndarray) -> np.ndarray:
    """Bits of 64-bit numbers, the lowest first."""
    return np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")


def size(parts: tuple[Tensor, ...] | tuple[Buffer, ...]) -> int:
    """Number of elements of all tensors or buffers of a plan."""
    return sum(part.size for part in parts)


def first_buffers(plan: Plan, dtype: np.dtype) -> np.ndarray:
    """The initial buffers, as the host fills them when it builds a network."""
    return np.concatenate([np.full(buffer.size, buffer.value, dtype) for buffer in plan.buffers] or [np.zeros(0, dtype)])


def batch_sums(own: np.ndarray, other: np.ndarray | None = None, other_rows: int = 0) -> np.ndarray:
    """``nnc_batch_sums``. The arrays must stay alive as long as it is used."""
    return np.array([(own.ctypes.data, 0 if other is None else other.ctypes.data, other_rows)], tables.BATCH_SUMS)

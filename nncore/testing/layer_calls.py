"""One call of a layer on guarded buffers, in NumPy or compiled."""

from __future__ import annotations

import math

import numpy as np

from nncore.interpreter import named_views
from nncore.plugin import Buffer, Layer, LayerCall, Plan, Tensor, native_kernel
from nncore.testing import tables
from nncore.testing.expectations import expect, expect_same_bits
from nncore.testing.guarded import Guarded

#: Identify a call; they key its random numbers.
SEED, STEP_NUMBER, POSITION = 12345, 3, 1


class Call:
    """A layer with everything that it sees of one batch.

    Parameters
    ----------
    layer : Layer
    x : ndarray of shape (n_rows, ...)
    parameters : ndarray of shape (n_parameters,)
    buffers : ndarray of shape (n_buffers,)
        What is kept but not trained, before the call.
    training : bool, default True
    """

    def __init__(self, layer: Layer, x: np.ndarray, parameters: np.ndarray, buffers: np.ndarray, training: bool = True) -> None:
        self.layer, self.plan, self.training = layer, layer.plan(x.shape[1:]), training
        dtype, n_rows, n_outputs = x.dtype, len(x), math.prod(self.plan.output_shape)
        kernel = native_kernel(layer)
        self.table = None if kernel is None else tables.layer(kernel.load())
        self._x, self._parameters = x.reshape(n_rows, -1).copy(), parameters.copy()

        def noise(name: str, *shape: int) -> Guarded:
            """Nothing that a layer is to write may be read before: it holds an odd number."""
            return Guarded(np.full(shape, 7, dtype), name)

        self.x, self.y = Guarded(self._x, "x"), noise("y", n_rows, n_outputs)
        self.d_x = noise("d_x", *self._x.shape)
        self.parameters, self.d_parameters = Guarded(parameters, "parameters"), noise("d_parameters", parameters.size)
        self.buffers = Guarded(buffers, "buffers")
        self.cache = noise("cache", self.plan.cache + self.plan.cache_per_row * n_rows)
        self.scratch = noise("scratch", self.plan.scratch + self.plan.scratch_per_row * n_rows)

    def forward(self) -> np.ndarray:
        """The outputs."""
        self._run("forward", None, want_d_x=False)
        return self.y.check()

    def backward(self, d_y: np.ndarray, want_d_x: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """(d_x, d_parameters), after `forward`. A layer may not read its own output again: an activation may have changed it."""
        self.y.array[...] = 7
        guarded = Guarded(d_y, "d_y")
        self._run("backward", guarded, want_d_x)
        expect_same_bits(guarded.check(), d_y, "d_y after backward, which must not write it")
        return self.d_x.check(), self.d_parameters.check()

    def _run(self, direction: str, d_y: Guarded | None, want_d_x: bool) -> None:
        if self.table is None:
            (self.layer.forward if direction == "forward" else self.layer.backward)(self._python_call(d_y, want_d_x))
        else:
            name = f"{direction}_{tables.SUFFIXES[self._x.dtype]}"
            function = getattr(self.table, name)
            expect(function is not None, f"the kernel has no {name}")
            hyper = np.array(self.layer.hyper(), np.float64)
            status = function(self._native_call(d_y, want_d_x, hyper))
            expect(status == 0, f"{name} returned {status}, 0 is success")
        expect_same_bits(self.x.check(), self._x, f"x after {direction}, which must not write it")
        expect_same_bits(self.parameters.check(), self._parameters, f"parameters after {direction}, which must not write them")
        for buffer in (self.y, self.d_x, self.d_parameters, self.buffers, self.cache, self.scratch):
            buffer.check()

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
            seed=SEED,
            step=STEP_NUMBER,
            layer=POSITION,
            training=self.training,
        )

    def _native_call(self, d_y: Guarded | None, want_d_x: bool, hyper: np.ndarray) -> tables.LayerCallStruct:
        names = ("x", "y", "parameters", "d_parameters", "buffers", "cache", "scratch")
        pointers = {name: getattr(self, name).array.ctypes.data for name in names}
        return tables.LayerCallStruct(
            **pointers,
            d_y=None if d_y is None else d_y.array.ctypes.data,
            d_x=self.d_x.array.ctypes.data if want_d_x else None,
            hyper=hyper.ctypes.data,
            n_rows=len(self._x),
            n_inputs=self._x.shape[1],
            n_outputs=self.y.array.shape[1],
            seed=SEED,
            step=STEP_NUMBER,
            layer=POSITION,
            training=self.training,
        )


def size(parts: tuple[Tensor, ...] | tuple[Buffer, ...]) -> int:
    """Numbers in all of a plan's tensors, or buffers."""
    return sum(part.size for part in parts)


def first_buffers(plan: Plan, dtype: np.dtype) -> np.ndarray:
    """The buffers as the host fills them when a network is built."""
    return np.concatenate([np.full(buffer.size, buffer.value, dtype) for buffer in plan.buffers] or [np.zeros(0, dtype)])

"""Max pooling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Value
from nncore_conv.windows import Windows, axis, flat


class MaxPool2D(Layer):
    """The largest value of each window, channel by channel, for images of shape (height, width, channels).

    Parameters
    ----------
    pool_size : int, default 2
        Height and width of the window, and pixels from one window to the next. Rows and columns that do not fill a window are left out.

    Raises
    ------
    ParameterError
        For a size outside its range.
    """

    ranges: ClassVar[dict[str, str]] = {"pool_size": "[1, 1000]"}
    whole: ClassVar[tuple[str, ...]] = ("pool_size",)
    kernel = Kernel("nncore_conv.native:max_pool", never_fails=True)

    def __init__(self, pool_size: int = 2) -> None:
        self.pool_size = pool_size

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the numbers of the plan."""
        return []

    def windows(self, input_shape: tuple[int, ...]) -> Windows:
        """The windows of a sample."""
        if len(input_shape) != 3:
            raise ShapeError(f"MaxPool2D takes images of shape (height, width, channels), but each sample has shape {input_shape}")
        size = self.pool_size
        rows, columns = (axis(n, size, size, "valid", "MaxPool2D") for n in input_shape[:2])
        return Windows(*input_shape, rows.n, columns.n, size, size, size, size, 0, 0)

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        windows = self.windows(input_shape)
        n = windows.count * windows.channels
        # Which pixel of its window each output is.
        return Plan(
            (windows.n_rows, windows.n_columns, windows.channels),
            cache_per_row=n,
            numbers=astuple(windows),
            split_rows=True,
            flops=n * self.pool_size**2,
        )

    def forward(self, call: LayerCall) -> None:
        patches = self.windows(call.input_shape).patches(call.x)
        which = patches.argmax(axis=2)
        call.y[...] = np.take_along_axis(patches, which[:, :, None], axis=2).reshape(call.y.shape)
        if call.cache.size:
            call.cache[...] = which.ravel()

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        places = self.windows(x.sample_shape).places().transpose(0, 2, 1)  # (count, channels, pixels of a window)
        return g.max(g.reshape(g.columns(flat(g, x), places.ravel().tolist()), places.shape))

    def backward(self, call: LayerCall) -> None:
        if call.d_x is None:
            return
        windows = self.windows(call.input_shape)
        shape = (len(call.x), windows.count, windows.channels)
        patches = np.zeros((*shape[:2], windows.window_height * windows.window_width, windows.channels), call.x.dtype)
        np.put_along_axis(patches, call.cache.reshape(shape).astype(np.intp)[:, :, None], call.d_y.reshape(shape)[:, :, None], axis=2)
        windows.add_patches(patches, call.d_x)

"""Positions of the windows of a convolution or pooling in an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Graph, Value


class Axis(NamedTuple):
    """Windows along one axis: their number, and the position of the first, which may be before the image."""

    n: int
    before: int


def flat(g: Graph, x: Value) -> Value:
    """Flatten samples in a formula."""
    return g.reshape(x, (math.prod(x.sample_shape),))


def axis(size: int, window: int, stride: int, padding: str, who: str) -> Axis:
    """The windows of an axis with `size` pixels. Raises `ShapeError` if no window fits."""
    if padding == "same":
        n = -(-size // stride)
        return Axis(n, max((n - 1) * stride + window - size, 0) // 2)
    if window > size:
        raise ShapeError(f"{who}: a window of {window} does not fit {size} pixels: make it smaller, or use padding='same'")
    return Axis((size - window) // stride + 1, 0)


def check_padding(padding: object, who: str) -> None:
    """Raise `ParameterError` unless it is ``"valid"`` or ``"same"``."""
    if padding not in ("valid", "same"):
        raise ParameterError(f"{who}: padding must be 'valid' or 'same', got {padding!r}")


@dataclass(frozen=True)
class Windows:
    """Windows of (window_height, window_width) pixels over images of (height, width, channels); a kernel gets the fields as numbers."""

    height: int
    width: int
    channels: int
    n_rows: int
    n_columns: int
    window_height: int
    window_width: int
    stride_y: int
    stride_x: int
    top: int
    left: int

    @property
    def size(self) -> int:
        """Number of pixels in a window."""
        return self.window_height * self.window_width * self.channels

    @property
    def count(self) -> int:
        """Number of windows in an image."""
        return self.n_rows * self.n_columns

    def padded(self, x: np.ndarray, value: float) -> np.ndarray:
        """Pad images of shape (n, height, width, channels) as far as windows reach."""
        bottom = (self.n_rows - 1) * self.stride_y + self.window_height - self.height - self.top
        right = (self.n_columns - 1) * self.stride_x + self.window_width - self.width - self.left
        images = x.reshape(len(x), self.height, self.width, self.channels)
        return np.pad(images, ((0, 0), (self.top, max(bottom, 0)), (self.left, max(right, 0)), (0, 0)), constant_values=value)

    def patches(self, x: np.ndarray, value: float = 0.0) -> np.ndarray:
        """Pixels of the windows: (n, count, window_height * window_width, channels)."""
        shape = (self.window_height, self.window_width)
        seen = np.lib.stride_tricks.sliding_window_view(self.padded(x, value), shape, axis=(1, 2))
        seen = seen[:, : self.n_rows * self.stride_y : self.stride_y, : self.n_columns * self.stride_x : self.stride_x]
        return seen.transpose(0, 1, 2, 4, 5, 3).reshape(len(x), self.count, -1, self.channels)

    def places(self) -> np.ndarray:
        """Positions of the windows' pixels in a flat sample: (count, window_height * window_width, channels), −1 outside the image."""
        return self.patches(np.arange(self.height * self.width * self.channels)[None], -1)[0]

    def add_patches(self, patches: np.ndarray, x: np.ndarray) -> None:
        """Add up the windows' values of each pixel into x of shape (n, height * width * channels): the adjoint of `patches`."""
        sums = np.zeros_like(self.padded(x, 0.0))
        parts = patches.reshape(len(x), self.n_rows, self.n_columns, self.window_height, self.window_width, self.channels)
        for i in range(self.window_height):
            for j in range(self.window_width):
                rows = slice(i, i + self.n_rows * self.stride_y, self.stride_y)
                columns = slice(j, j + self.n_columns * self.stride_x, self.stride_x)
                sums[:, rows, columns][:, : self.n_rows, : self.n_columns] += parts[:, :, :, i, j]
        x[...] = sums[:, self.top : self.top + self.height, self.left : self.left + self.width].reshape(x.shape)

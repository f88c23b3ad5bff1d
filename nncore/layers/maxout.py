"""Maxout: the largest of several features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Value


class Maxout(Layer):
    """Maxout: the largest of each k = `n_pieces` neighbouring features, an activation whose shape is learned.

    y₀ = max(x₀, …, xₖ₋₁), y₁ = max(xₖ, …, x₂ₖ₋₁), …. Put it behind ``Dense(k * n)`` for n units, each a convex function of k linear pieces.

    Parameters
    ----------
    n_pieces : int in [1, 1000000], default 2
        k, number of features in a group.
    name : str, optional
        Name of the layer, which summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ShapeError
        When the network is built, if samples are not vectors, or their length is not a multiple of `n_pieces`.

    Notes
    -----
    ``d_x`` is ``d_y`` at the feature that is the largest of its group, the first one if several are, and 0 at the others.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville & Bengio, "Maxout networks", ICML 2013.

    Examples
    --------
    >>> import nncore as nn
    >>> nn.Sequential(nn.Dense(3 * 8), nn.Maxout(3), nn.Dense(1)).build(4).named_parameters()["dense_2.weight"].shape
    (8, 1)
    """

    ranges: ClassVar[dict[str, str]] = {"n_pieces": "[1, 1000000]"}
    whole: ClassVar[tuple[str, ...]] = ("n_pieces",)
    kernel = Kernel("nncore._core.native:layer_maxout", never_fails=True)
    #: Tests try these: multiples of 2 and 3.
    input_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((6,), (12,), (30,), (1020,))

    def __init__(self, n_pieces: int = 2, *, name: str | None = None) -> None:
        self.n_pieces = n_pieces
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"Maxout takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        n, rest = divmod(input_shape[0], self.n_pieces)
        if rest:
            raise ShapeError(
                f"Maxout takes a multiple of n_pieces={self.n_pieces} features, got {input_shape[0]}: "
                f"put nn.Dense({self.n_pieces} * n) before it"
            )
        return Plan((n,), split_rows=True, output_domain="(-inf, inf)", flops=input_shape[0])

    def forward(self, call: LayerCall) -> None:
        call.y[...] = self._groups(call.x).max(axis=2)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n = math.prod(x.sample_shape) // self.n_pieces
        return g.reshape(g.max(g.reshape(x, (n, self.n_pieces))), (n,))

    def backward(self, call: LayerCall) -> None:
        if call.d_x is None:
            return
        largest = self._groups(call.x).argmax(axis=2)
        call.d_x[...] = 0
        np.put_along_axis(self._groups(call.d_x), largest[:, :, None], call.d_y[:, :, None], axis=2)

    def _groups(self, rows: np.ndarray) -> np.ndarray:
        """A view (n_rows, n, n_pieces)."""
        return rows.reshape(len(rows), -1, self.n_pieces)

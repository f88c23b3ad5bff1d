"""Where members begin and end: a sample is repeated, and their outputs become one."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Kernel, Layer, LayerCall, Plan


class RepeatMembers(Layer):
    """Each sample once for each member: (d,) becomes (n_members, d).

    Parameters
    ----------
    n_members : int, default 32
        k, the members of the ensemble.

    Raises
    ------
    ParameterError
        If `n_members` is not a whole number of at least 1.
    """

    ranges: ClassVar[dict[str, str]] = {"n_members": "[1, 1000000]"}
    whole: ClassVar[tuple[str, ...]] = ("n_members",)
    kernel = Kernel("nncore_members.native:repeat_members", never_fails=True)

    def __init__(self, n_members: int = 32) -> None:
        self.n_members = n_members

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the members in the output's shape."""
        return []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan((self.n_members, *input_shape), split_rows=True, flops=0)

    def forward(self, call: LayerCall) -> None:
        members(call.y, self.n_members)[...] = call.x[:, None]

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            members(call.d_y, self.n_members).sum(axis=1, out=call.d_x)


class MeanMembers(Layer):
    """y = the mean over the members: (n_members, d) becomes (d,).

    In front of a loss it trains the mean. To train each member by its own loss, end the network without it, use the loss ``members``, and
    put it behind the trained network: ``nn.Sequential(net, "mean_members")``.
    """

    kernel = Kernel("nncore_members.native:mean_members", never_fails=True)

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        check_members("MeanMembers", input_shape)
        return Plan(input_shape[1:], split_rows=True, flops=math.prod(input_shape))

    def forward(self, call: LayerCall) -> None:
        members(call.x, call.input_shape[0]).mean(axis=1, out=call.y)

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            members(call.d_x, call.input_shape[0])[...] = call.d_y[:, None] / call.input_shape[0]


def members(rows: np.ndarray, n_members: int) -> np.ndarray:
    """A view (n_rows, n_members, d) of rows (n_rows, n_members · d)."""
    return rows.reshape(len(rows), n_members, rows.shape[1] // n_members)


def check_members(layer: str, input_shape: tuple[int, ...]) -> None:
    """Raise `ShapeError` unless a sample holds members."""
    if len(input_shape) < 2:
        raise ShapeError(f"{layer} takes samples of shape (n_members, d), but each has shape {input_shape}: put repeat_members before it")

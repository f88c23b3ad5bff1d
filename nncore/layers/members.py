"""Shared by layers of ensembles, whose samples have the shape (n_members, d)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Initializer, Tensor, resolve

ONES = {"name": "constant", "value": 1.0}


def members(rows: np.ndarray, n_members: int) -> np.ndarray:
    """A view (n_rows, n_members, d) of rows (n_rows, n_members · d)."""
    return rows.reshape(len(rows), n_members, rows.shape[1] // n_members)


def check_members(layer: str, input_shape: tuple[int, ...], n_dimensions: int | None = None) -> None:
    """Raise `ShapeError` unless a sample holds members, each of which has numbers of one dimension less than `n_dimensions`."""
    if len(input_shape) < 2:
        raise ShapeError(f"{layer} takes samples of shape (n_members, d), each has shape {input_shape}: put nn.RepeatMembers() before it")
    if n_dimensions not in (None, len(input_shape)):
        raise ShapeError(f"{layer} takes samples of shape (n_members, d), each has shape {input_shape}: put nn.Flatten() first")


class _OfAnother(Initializer):
    """The draw of another initializer, used in several places. Two of them are equal if they draw the same, since plans are compared."""

    def __init__(self, initializer: Any, sizes: Sequence[int] = ()) -> None:
        self.initializer: Initializer = resolve("initializers", initializer)
        self.sizes = list(sizes)

    def __eq__(self, other: object) -> bool:
        if not (isinstance(other, _OfAnother) and type(self) is type(other) and self.sizes == other.sizes):
            return False
        mine, others = self.initializer, other.initializer
        return type(mine) is type(others) and mine.config() == others.config()

    __hash__ = None  # type: ignore[assignment]


class OneDraw(_OfAnother):
    """The same values for every member: one draw of another initializer.

    Parameters
    ----------
    initializer : str, Initializer or dict
        Of the values of one member.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.broadcast_to(self.initializer.sample(rng, shape[1:], fan_in, fan_out), shape)


class OneForEachGroup(_OfAnother):
    """One value for neighbouring numbers of the last dimension, from another initializer.

    Parameters
    ----------
    initializer : str, Initializer or dict
        Of the values of the groups.
    sizes : sequence of int
        How many numbers each group has.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        values = self.initializer.sample(rng, (*shape[:-1], len(self.sizes)), fan_in, fan_out)
        return np.repeat(values, self.sizes, axis=-1)


def tensors_of_outputs(layer: Any, n_members: int, n_inputs: int) -> list[Tensor]:
    """The scale s and the bias b of a dense layer whose members share a weight, as its arguments say; they follow the weight and r."""
    k, d, n = n_members, n_inputs, layer.n_outputs
    tensors = []
    if layer.scale_outputs:
        tensors.append(Tensor("output_scale", (k, n), "scale", layer.output_initializer or ONES, d, n, per_member=True))
    if layer.use_bias and layer.share_bias:
        tensors.append(Tensor("bias", (n,), "bias", layer.bias_initializer, d, n))
    elif layer.use_bias:
        tensors.append(Tensor("bias", (k, n), "bias", OneDraw(layer.bias_initializer), d, n, per_member=True))
    return tensors

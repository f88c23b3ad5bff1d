"""The argument `columns` of layers that work on some of a vector's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nncore.arguments import shown, whole_numbers
from nncore.errors import ParameterError, ShapeError


def as_columns(layer: str, columns: Any) -> list[int] | None:
    """The argument `columns` of a layer as a list of different ints of at least 0; None is all columns.

    Raises
    ------
    ParameterError
    """
    if columns is None:
        return None
    numbers = whole_numbers(columns)
    if not numbers or min(numbers) < 0:
        raise ParameterError(f"{layer}: columns must be None or whole numbers of at least 0, one or more, got {shown(columns)}")
    if len(set(numbers)) < len(numbers):
        raise ParameterError(f"{layer}: columns names a column twice: {shown(columns)}")
    return numbers


def columns_of(layer: str, columns: list[int] | None, input_shape: tuple[int, ...]) -> Sequence[int]:
    """The columns of a sample of `input_shape` that a layer works on; a range, which takes no memory, for all of them.

    Raises
    ------
    ShapeError
        If a sample is not a vector, or has no such column.
    """
    if len(input_shape) != 1:
        raise ShapeError(f"{layer} takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
    n_inputs = input_shape[0]
    if columns is None:
        return range(n_inputs)  # not a list: a file may name any number
    if max(columns) >= n_inputs:
        raise ShapeError(f"{layer}: there is no column {max(columns)}, each sample has {n_inputs} features, numbered from 0")
    return columns

"""Samples of a file for a network that knows nothing of columns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nncore.arguments import listed
from nncore.data import mapped, mapped_members
from nncore.errors import DataError
from nncore.tabular import Writing, parse_numbers, read_table


def read_samples(path: Path, writing: Writing, input_shape: tuple[int, ...]) -> np.ndarray:
    """The samples of a ``.npy`` file, of a ``.npz`` file of one array, or of a table of numbers, a row each.

    Rows of as many numbers as a sample has get its shape.

    Raises
    ------
    DataError
        If the file cannot be read, holds several arrays, or a cell that is no number.
    """
    samples = _read(path, writing)
    if samples.ndim == 2 and samples.shape[1:] != input_shape and samples.shape[1] == math.prod(input_shape):
        return samples.reshape(-1, *input_shape)
    return samples


def _read(path: Path, writing: Writing) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return mapped(path)
    if suffix == ".npz":
        arrays = mapped_members(path)
        if len(arrays) != 1:
            raise DataError(f"{path} holds the arrays {listed(list(arrays), most=6)}, but samples are one array: save it alone, as .npy")
        return next(iter(arrays.values()))
    table = read_table(path, writing)
    return np.stack([parse_numbers(name, column, table.place) for name, column in zip(table.names, table.columns, strict=True)], axis=1)

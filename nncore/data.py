"""From what users hold (arrays, lists, frames) to what the core runs on: checked, in the network's dtype, in C order.

A C-contiguous array of the network's dtype is used where it lies. Anything else is converted: at once if it is small, block by
block during each epoch if it is large, so that no second copy of a large array is ever held.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore._core.program import all_finite
from nncore.configurable import is_inside
from nncore.errors import DataError, DtypeError, ShapeError
from nncore.plugin import Loss

#: Inputs up to this many bytes (in the network's dtype) are converted once and kept.
CONVERT_AT_ONCE = 64 * 2**20
#: Larger ones are converted in blocks of about this many bytes.
BLOCK = 8 * 2**20


class Rows(ABC):
    """Samples that are made as they are asked for, so that all of them are never in memory: what `as_rows` takes beside arrays.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, ...)``.
    dtype : dtype
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @abstractmethod
    def __getitem__(self, rows: Any) -> np.ndarray:
        """A sample by its number; samples by a slice or an array of numbers."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


#: Samples as the functions below return them.
Samples = np.ndarray | Rows


def as_samples(data: object, name: str, shape: tuple[int, ...] | None, dtype: np.dtype, allow_nan: bool = False) -> Samples:
    """`data` as an array of numbers ``(n_samples, *shape)``, checked but not converted.

    Raises
    ------
    ShapeError, DtypeError, DataError
        For the wrong number of dimensions or features, for what is not a number, for infinity, and for NaN unless it is allowed.
    """
    array = as_rows(data, name, shape)
    check_finite(array, name, dtype, allow_nan)
    return array


def as_rows(data: object, name: str, shape: tuple[int, ...] | None) -> Samples:
    """The same, but for NaN and infinity."""
    if hasattr(data, "toarray") and not isinstance(data, np.ndarray):
        raise DtypeError(f"{name} is a sparse matrix; networks here are dense: pass {name}.toarray()")
    array = data if isinstance(data, Rows) else as_numbers(data, name)
    if array.ndim < 2:
        hint = f"one sample: {name}.reshape(1, -1); one feature: {name}.reshape(-1, 1)"
        raise ShapeError(f"{name} must have a row for each sample, got shape {array.shape}; for {hint}")
    if shape is not None and array.shape[1:] != shape:
        raise ShapeError(f"{name} has samples of shape {array.shape[1:]}, this network takes {shape}")
    if 0 in array.shape[1:]:
        raise ShapeError(f"{name} has no features: its shape is {array.shape}")
    return array


def as_matrix(samples: Samples, dtype: np.dtype) -> np.ndarray:
    """Checked samples as a C-contiguous matrix (n_samples, n_inputs)."""
    return np.ascontiguousarray(samples[:], dtype).reshape(len(samples), math.prod(samples.shape[1:]))


def as_numbers(data: object, name: str) -> np.ndarray:
    """`data` as an array of real numbers; a frame's columns become columns."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ShapeError(f"{name} is not a rectangular array: {error}") from None
    if array.dtype.kind == "O":  # a frame of mixed numeric columns, or a list of such rows
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DtypeError(
                f"{name} holds something that is not a number ({error}): encode text and categories as numbers first"
            ) from None
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{name} has dtype {array.dtype}, real numbers are needed")
    return array


def check_finite(array: Samples, name: str, dtype: np.dtype, allow_nan: bool = False) -> None:
    """Raise `DataError` naming the first row and column that is infinite, or NaN unless that is allowed, after conversion to `dtype`."""
    if array.dtype.kind in "biu" or array.size == 0:
        return
    rows = max(1, BLOCK // max(1, array[0].size * dtype.itemsize))
    for start in range(0, len(array), rows):
        with np.errstate(over="ignore"):
            block = np.ascontiguousarray(array[start : start + rows], dtype)
        if not all_finite(block, allow_nan):
            position = np.argwhere(np.isinf(block) if allow_nan else ~np.isfinite(block))[0]
            row, column = start + int(position[0]), ", ".join(str(i) for i in position[1:])
            value = array[row][tuple(position[1:])]
            too_large = f", too large for {dtype}: scale it or use dtype='float64'" if np.isfinite(value) else ": impute or drop it first"
            where = f"row {row}, column {column}" if column else f"row {row}"
            raise DataError(f"{name} contains {'NaN' if np.isnan(value) else value} at {where}{too_large}")


def check_replaced(inputs: np.ndarray, outputs: np.ndarray, first_row: int = 0) -> None:
    """Raise `DataError` for the first row of `outputs` that is NaN because `inputs` are, which no layer has replaced.

    `first_row` is the number of their first row in messages.
    """
    if all_finite(outputs):
        return
    lost = np.isnan(outputs.reshape(len(outputs), -1)).any(axis=1) & np.isnan(inputs).any(axis=1)
    if lost.any():
        row = int(lost.argmax())
        columns = ", ".join(str(column) for column in np.flatnonzero(np.isnan(inputs[row])))
        raise DataError(
            f"the output for row {first_row + row} is NaN: X contains NaN there (column {columns}), and no layer replaces it; "
            "impute it first, or fill it with nn.FillMissing() at the front of the network"
        )


@dataclass(frozen=True)
class Targets:
    """What the loss compares with: class indices or reals, one of the two."""

    labels: np.ndarray | None = None  # (n_samples,) int64
    reals: np.ndarray | None = None  # (n_samples, n_targets) in the network's dtype

    @property
    def values(self) -> np.ndarray:
        """Whichever there is."""
        values = self.reals if self.labels is None else self.labels
        assert values is not None, "targets are labels or reals"
        return values

    def __len__(self) -> int:
        return len(self.values)


def as_targets(y: object, loss: Loss, n_outputs: int, dtype: np.dtype, name: str = "y") -> Targets:
    """Check `y` against what `loss` takes.

    Class indices are whole numbers from 0 to ``n_outputs - 1``, shape ``(n,)``; reals have shape ``(n, n_targets)`` or, for one
    target, ``(n,)``.
    """
    array, kind = np.asarray(y), loss.targets_for(n_outputs)
    if array.dtype.kind in "USO" and kind != "real":
        _refuse_text(array, name)
    array = as_numbers(y, name)
    n_targets = loss.n_targets(n_outputs)
    if array.ndim == 2 and array.shape[1] == 1 and n_outputs > 1 and kind != "real":
        array = array[:, 0]
    if kind == "labels" or (kind == "both" and array.ndim == 1):
        return Targets(labels=_as_labels(array, n_outputs, name))
    if array.ndim == 1 and n_targets == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != n_targets:
        hint = '; for class indices use loss="softmax_cross_entropy"' if array.ndim == 1 else ""
        raise ShapeError(f"{name} has shape {array.shape}, {loss!r} with {n_outputs} outputs needs (n_samples, {n_targets}){hint}")
    check_finite(array, name, dtype)
    reals = np.ascontiguousarray(array, dtype)
    if loss.target_range is not None:
        outside = np.argwhere(~is_inside(reals, loss.target_range))
        if len(outside):
            row, column = outside[0]
            raise DataError(f"{name} is {array[row, column]} at row {row}; {loss!r} takes targets in {loss.target_range}")
    loss.check_targets(reals, name)
    return Targets(reals=reals)


def _refuse_text(array: np.ndarray, name: str) -> None:
    """Text labels have to become numbers; say how."""
    if array.dtype.kind in "US" or any(isinstance(value, str) for value in array.ravel()[:1]):
        raise DtypeError(
            f"{name} holds text, class indices from 0 on are needed: classes, {name} = np.unique({name}, return_inverse=True) turns one "
            "into the other"
        )


def _as_labels(array: np.ndarray, n_outputs: int, name: str) -> np.ndarray:
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, class indices have shape (n_samples,)")
    if array.dtype.kind == "f":
        check_finite(array, name, array.dtype)
        fractional = np.flatnonzero(array != np.floor(array))
        if len(fractional):
            raise DataError(f"{name} is {array[fractional[0]]} at row {fractional[0]}, class indices are whole numbers")
    labels = np.array(array, np.int64)  # a copy: the core trusts that they stay in range
    outside = np.flatnonzero((labels < 0) | (labels >= n_outputs))
    if len(outside):
        raise DataError(
            f"{name} is {labels[outside[0]]} at row {outside[0]}, but the network has {n_outputs} outputs, so classes are 0 to "
            f"{n_outputs - 1}: give the last layer as many units as there are classes, numbered from 0"
        )
    return labels


def as_weights(sample_weight: object, n_samples: int, dtype: np.dtype, name: str = "sample_weight") -> np.ndarray | None:
    """One weight a sample, none negative, not all zero."""
    if sample_weight is None:
        return None
    weights = as_numbers(sample_weight, name)
    if weights.shape != (n_samples,):
        raise ShapeError(f"{name} has shape {weights.shape}, one number for each of the {n_samples} samples is needed")
    check_finite(weights, name, dtype)
    if (weights < 0).any() or not (weights > 0).any():
        raise DataError(f"{name} must not be negative nor all zero")
    return np.ascontiguousarray(weights, dtype)


@dataclass(frozen=True)
class Block:
    """Samples for one run of the core; the fields are the arguments of `Program.train`."""

    inputs: np.ndarray  # (n, n_inputs)
    reals: np.ndarray | None
    labels: np.ndarray | None
    weights: np.ndarray | None
    order: np.ndarray | None  # rows to visit, or None for all in turn

    def __len__(self) -> int:
        return len(self.inputs) if self.order is None else len(self.order)


class Dataset:
    """Checked samples with their targets and weights.

    Parameters
    ----------
    inputs : ndarray or Rows of shape (n_samples, ...)
        As returned by `as_samples`.
    targets : Targets
    weights : ndarray of shape (n_samples,) or None
    dtype : dtype
        The network's.
    """

    def __init__(self, inputs: Samples, targets: Targets, weights: np.ndarray | None, dtype: np.dtype) -> None:
        self.targets, self.weights, self.dtype = targets, weights, dtype
        in_place = isinstance(inputs, np.ndarray) and inputs.dtype == dtype and inputs.flags.c_contiguous
        if not in_place and inputs.size * dtype.itemsize <= CONVERT_AT_ONCE:
            inputs, in_place = np.ascontiguousarray(inputs[:], dtype), True
        self.inputs, self.in_place = inputs, in_place

    @classmethod
    def checked(
        cls, inputs: Samples, y: object, sample_weight: object, loss: Loss, n_outputs: int, dtype: np.dtype, role: str = ""
    ) -> Dataset:
        """From `inputs` as returned by `as_samples`, and targets and weights as users hold them.

        `role`, like ``"validation "``, stands before the names in messages.
        """
        targets = as_targets(y, loss, n_outputs, dtype, f"{role}y")
        if len(targets) != len(inputs):
            raise ShapeError(f"{role}X has {len(inputs)} samples, {role}y has {len(targets)}")
        if len(inputs) == 0:
            raise DataError(f"{role}X has no samples")
        return cls(inputs, targets, as_weights(sample_weight, len(inputs), dtype, f"{role}sample_weight"), dtype)

    def __len__(self) -> int:
        return len(self.inputs)

    def blocks(self, order: np.ndarray | None, batch_size: int) -> Iterator[Block]:
        """The samples in the given order, in one block if they lie ready, else converted block by block.

        All blocks but the last hold whole batches, so both ways train on the same batches.
        """
        if self.in_place:
            inputs = self.inputs[:].reshape(len(self), -1)
            yield Block(inputs, self.targets.reals, self.targets.labels, self.weights, order)
            return
        bytes_per_batch = batch_size * self.inputs[0].size * self.dtype.itemsize
        rows = batch_size * max(1, BLOCK // bytes_per_batch)
        for start in range(0, len(self), rows):
            chosen = slice(start, start + rows) if order is None else order[start : start + rows]
            inputs = np.ascontiguousarray(self.inputs[chosen], self.dtype)
            parts = (self.targets.reals, self.targets.labels, self.weights)
            reals, labels, weights = (None if part is None else np.ascontiguousarray(part[chosen]) for part in parts)
            yield Block(inputs.reshape(len(inputs), -1), reals, labels, weights, None)

"""Targets and sample weights, checked against the loss that is to compare with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore._core import as_c_array
from nncore.arguments import rescaled
from nncore.contract import Loss, is_inside
from nncore.data.containers import admitted
from nncore.data.samples import as_numbers, check_finite
from nncore.errors import DataError, DtypeError, ShapeError


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

    def of(self, rows: np.ndarray) -> Targets:
        """Those of some samples."""
        return Targets(*(None if part is None else part[rows] for part in (self.labels, self.reals)))


def as_targets(y: object, loss: Loss, n_outputs: int, dtype: np.dtype, name: str = "y") -> Targets:
    """Check `y` against what `loss` takes.

    Class indices are whole numbers from 0 to ``n_outputs - 1``, shape ``(n,)``; reals have shape ``(n, n_targets)`` or, for one
    target, ``(n,)``.
    """
    y, kind = admitted(y, name), loss.targets_for(n_outputs)
    if kind != "real":
        _refuse_text(y, name)
    array = as_numbers(y, name)
    n_targets = loss.n_targets(n_outputs)
    if array.ndim == 2 and array.shape[1] == 1 and n_outputs > 1 and kind != "real":
        array = array[:, 0]
    if kind == "labels" or (kind == "both" and array.ndim == 1):
        return Targets(labels=_as_labels(array, loss.n_labels(n_outputs), n_outputs, name))
    if array.ndim == 1 and n_targets == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != n_targets:
        hint = '; for class indices use loss="softmax_cross_entropy"' if array.ndim == 1 else ""
        raise ShapeError(f"{name} has shape {array.shape}, {loss!r} with {n_outputs} outputs needs (n_samples, {n_targets}){hint}")
    check_finite(array, name, dtype)
    reals = as_c_array(array, dtype)
    if loss.target_range is not None:
        outside = np.argwhere(~is_inside(reals, loss.target_range))
        if len(outside):
            row, column = outside[0]
            raise DataError(f"{name} is {array[row, column]} at row {row}; {loss!r} takes targets in {loss.target_range}")
    loss.check_targets(reals, name)
    return Targets(reals=reals)


def _refuse_text(y: Any, name: str) -> None:
    """Text labels have to become numbers; say how."""
    try:
        array = np.asarray(y)
    except ValueError:  # of rows of several lengths: said better later
        return
    if array.dtype.kind in "UST" or any(isinstance(value, str) for value in array.ravel()[:1]):
        raise DtypeError(
            f"{name} holds text, class indices from 0 on are needed: classes, {name} = np.unique({name}, return_inverse=True) turns one "
            "into the other"
        )


def _as_labels(array: np.ndarray, n_classes: int, n_outputs: int, name: str) -> np.ndarray:
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, class indices have shape (n_samples,)")
    if array.dtype.kind == "f":
        check_finite(array, name, array.dtype)
        fractional = np.flatnonzero(array != np.floor(array))
        if len(fractional):
            raise DataError(f"{name} is {array[fractional[0]]} at row {fractional[0]}, class indices are whole numbers")
    labels = np.array(array, np.int64)  # a copy: the core trusts that they stay in range
    outside = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(outside):
        raise DataError(
            f"{name} is {labels[outside[0]]} at row {outside[0]}, but the network has {n_outputs} outputs, so classes are 0 to "
            f"{n_classes - 1}: give the last layer as many units as there are classes, numbered from 0"
        )
    return labels


def as_weights(sample_weight: object, n_samples: int, name: str = "sample_weight") -> np.ndarray | None:
    """One weight a sample, none negative, not all zero, in float64 and `rescaled`, whatever the network's dtype."""
    if sample_weight is None:
        return None
    weights = as_numbers(sample_weight, name)
    if weights.shape != (n_samples,):
        raise ShapeError(f"{name} has shape {weights.shape}, one number for each of the {n_samples} samples is needed")
    check_finite(weights, name, np.dtype(np.float64))
    if (weights < 0).any() or not (weights > 0).any():
        raise DataError(f"{name} must not be negative nor all zero")
    return rescaled(as_c_array(weights, np.dtype(np.float64)))

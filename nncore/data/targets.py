"""Check targets and sample weights against the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore._core import as_c_array, ready_labels, ready_rows
from nncore.arguments import rescaled
from nncore.contract import Loss, is_inside
from nncore.data.containers import admitted
from nncore.data.samples import as_numbers, check_finite
from nncore.errors import DataError, DtypeError, ShapeError


@dataclass(slots=True)
class Targets:
    """Targets of a loss: class indices or reals, one of the two."""

    labels: np.ndarray | None = None  # (n_samples,) int64
    reals: np.ndarray | None = None  # (n_samples, n_targets) in the network's dtype

    @property
    def values(self) -> np.ndarray:
        """Class indices or reals, whichever exists."""
        values = self.reals if self.labels is None else self.labels
        assert values is not None, "targets are labels or reals"
        return values

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: np.ndarray) -> Targets:
        """Targets of some samples."""
        return Targets(*(None if part is None else part[rows] for part in (self.labels, self.reals)))


@dataclass(frozen=True)
class TargetsWanted:
    """The targets that a loss takes for a network, to check targets against.

    Attributes
    ----------
    loss : Loss
    n_outputs : int
        Outputs of the network.
    kind : {"real", "labels", "both"}
    n_targets : int
        Number of columns of real targets.
    n_labels : int
        Number of classes; 0 if the loss takes no class indices.
    """

    loss: Loss
    n_outputs: int
    kind: str
    n_targets: int
    n_labels: int

    @classmethod
    def by(cls, loss: Loss, n_outputs: int) -> TargetsWanted:
        """The targets for a loss and so many outputs. Raises `ShapeError` if the loss cannot have that number of outputs."""
        kind, n_targets = loss.targets_for(n_outputs), loss.n_targets(n_outputs)
        return cls(loss, n_outputs, kind, n_targets, 0 if kind == "real" else loss.n_labels(n_outputs))

    def checked(self, y: object, dtype: np.dtype, name: str = "y") -> Targets:
        """Check `y` against the targets that the loss takes.

        Class indices are whole numbers from 0 to ``n_outputs - 1``, shape ``(n,)``; reals have shape ``(n, n_targets)`` or, for one
        target, ``(n,)``.
        """
        if y is None:
            raise DataError(f"{name} is missing: pass targets, or leave {name} out for a stream whose batches hold them")
        if self.kind == "real":
            array = self._as_column(y)
            reals = ready_rows(array, (self.n_targets,), dtype, False)
            return self._reals(y, dtype, name) if reals is None else self._in_range(reals, reals, name)
        labels = ready_labels(y, self.n_labels)
        return self._labels_or_reals(y, dtype, name) if labels is None else Targets(labels=labels)

    def _labels_or_reals(self, y: object, dtype: np.dtype, name: str) -> Targets:
        array = as_numbers(_without_text(admitted(y, name), name), name)
        if array.ndim == 2 and array.shape[1] == 1 and self.n_outputs > 1:
            array = array[:, 0]
        if self.kind == "labels" or array.ndim == 1:
            return Targets(labels=_as_labels(array, self.n_labels, self.n_outputs, name))
        return self._reals(array, dtype, name)

    def _reals(self, y: object, dtype: np.dtype, name: str) -> Targets:
        array: np.ndarray = self._as_column(as_numbers(y, name))
        if array.ndim != 2 or array.shape[1] != self.n_targets:
            hint = '; for class indices use loss="softmax_cross_entropy"' if array.ndim == 1 else ""
            needed = f"{self.loss!r} with {self.n_outputs} outputs needs (n_samples, {self.n_targets})"
            raise ShapeError(f"{name} has shape {array.shape}, {needed}{hint}")
        check_finite(array, name, dtype)
        return self._in_range(as_c_array(array, dtype), array, name)

    def _as_column(self, y: Any) -> Any:
        """Reshape a vector of single targets to a column."""
        return y[:, None] if self.n_targets == 1 and type(y) is np.ndarray and y.ndim == 1 else y

    def _in_range(self, reals: np.ndarray, given: np.ndarray, name: str) -> Targets:
        interval = self.loss.target_range
        if interval is not None and not (inside := is_inside(reals, interval)).all():
            row, column = np.argwhere(~inside)[0]
            raise DataError(f"{name} is {given[row, column]} at row {row}; {self.loss!r} takes targets in {interval}")
        self.loss.check_targets(reals, name)
        return Targets(reals=reals)


def as_targets(y: object, loss: Loss, n_outputs: int, dtype: np.dtype, name: str = "y") -> Targets:
    """Check `y` against the targets that `loss` takes with `n_outputs` outputs: see `TargetsWanted`."""
    return TargetsWanted.by(loss, n_outputs).checked(y, dtype, name)


def _without_text(y: Any, name: str) -> Any:
    """Raise an error for text labels that says how to encode them. Return anything else, as an array if possible."""
    try:
        array = np.asarray(y)
    except ValueError:  # rows of different lengths: reported later
        return y
    if array.dtype.kind in "UST" or any(isinstance(value, str) for value in array.ravel()[:1]):
        raise DtypeError(
            f"{name} holds text, but must hold class indices from 0: convert it with "
            f"classes, {name} = np.unique({name}, return_inverse=True)"
        )
    return array if array.dtype.kind in "biuf" else y


def _as_labels(array: np.ndarray, n_classes: int, n_outputs: int, name: str) -> np.ndarray:
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, class indices have shape (n_samples,)")
    if array.dtype.kind == "f":
        check_finite(array, name, array.dtype)
        fractional = np.flatnonzero(array != np.floor(array))
        if len(fractional):
            raise DataError(f"{name} is {array[fractional[0]]} at row {fractional[0]}, class indices are whole numbers")
    labels = np.array(array, np.int64)  # a copy, since the core relies on them to stay in range
    outside = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(outside):
        raise DataError(
            f"{name} is {labels[outside[0]]} at row {outside[0]}, but the network has {n_outputs} outputs, so classes are 0 to "
            f"{n_classes - 1}: give the last layer one unit for each class, numbered from 0"
        )
    return labels


def as_weights(sample_weight: object, n_samples: int, name: str = "sample_weight") -> np.ndarray | None:
    """Check sample weights: one a sample, none negative, not all zero. Returns them in float64, `rescaled`."""
    if sample_weight is None:
        return None
    weights = as_numbers(sample_weight, name)
    if weights.shape != (n_samples,):
        raise ShapeError(f"{name} has shape {weights.shape}, one number for each of the {n_samples} samples is needed")
    check_finite(weights, name, np.dtype(np.float64))
    if (weights < 0).any() or not (weights > 0).any():
        raise DataError(f"{name} must not be negative nor all zero")
    return rescaled(as_c_array(weights, np.dtype(np.float64)))

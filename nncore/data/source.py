"""Training data of one or several fits, checked once for each use."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.contract import Loss, alike
from nncore.data.dataset import Dataset
from nncore.data.held_out import HeldOut
from nncore.data.samples import Samples, as_numbers, as_rows, for_network, warn_of_lost_digits
from nncore.data.targets import TargetsWanted, as_weights
from nncore.errors import DataError, DtypeError, ShapeError
from nncore.program import Blueprint


class Source:
    """The user's samples, targets and weights.

    Parameters
    ----------
    X, y, sample_weight : array-like
        As in `nncore.Sequential.fit`.
    role : str, default ""
        Prefix of names in messages, like ``"validation "``.
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None, role: str = "") -> None:
        self._samples: Samples | None = None
        self._X, self._y, self._sample_weight, self._role = X, y, sample_weight, role
        self._known: list[tuple[Loss, tuple[object, ...], Dataset]] = []
        self._chosen: dict[tuple[int, int, bool], tuple[np.ndarray, Dataset]] = {}

    def samples(self, shape: tuple[int, ...] | None) -> Samples:
        """X checked by `as_rows` for samples of this shape."""
        self._samples = as_rows(self._X if self._samples is None else self._samples, f"{self._role}X", shape)
        return self._samples

    def fit_to(self, blueprint: Blueprint, *, changes: bool = False) -> None:
        """Convert samples to a form that a network and its transforms can read; see `for_network`."""
        self._samples = for_network(self.samples(None), blueprint, f"{self._role}X", changes=changes)

    def sample_shape(self, shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """Shape of a sample. Raises an error if it is not `shape`, unless that is None."""
        return self.samples(shape).shape[1:]

    def part(self, held_out: HeldOut) -> np.ndarray:
        """Row numbers of a part of the samples, for `dataset`."""
        return held_out.rows(len(self.samples(None)))

    def dataset(
        self,
        shape: tuple[int, ...] | None,
        loss: Loss,
        n_outputs: int,
        dtype: np.dtype,
        allow_nan: bool,
        rows: np.ndarray | None = None,
        *,
        copies: bool = False,
    ) -> Dataset:
        """Dataset of all samples or of some rows. `copies` copies their inputs. The same use returns the same object."""
        samples, use = self.samples(shape), (n_outputs, dtype, allow_nan)
        found = next((data for one, of, data in self._known if of == use and alike(one, loss)), None)
        if found is None:
            wanted = TargetsWanted.by(loss, n_outputs)
            found = Dataset.checked(samples, self._y, self._sample_weight, wanted, dtype, allow_nan, self._role)
            self._known.append((loss, use, found))
            if not self._role:
                self._warn(samples, found)
        if rows is None:
            return found
        key = id(found), id(rows), copies
        if key not in self._chosen:
            choose = found.copied if copies else found.chosen
            self._chosen[key] = rows, choose(rows, self._weights(rows))
        return self._chosen[key][1]

    def _weights(self, rows: np.ndarray) -> np.ndarray | None:
        """Weights of some rows, scaled by the largest of them, as a separate fit would scale them."""
        if self._sample_weight is None:
            return None
        name = f"{self._role}sample_weight"
        return as_weights(as_numbers(self._sample_weight, name)[rows], len(rows), name)

    def _warn(self, samples: Samples, data: Dataset) -> None:
        warn_of_lost_digits(samples, "X", data.dtype)
        if data.targets.reals is not None:
            warn_of_lost_digits(as_numbers(self._y, "y"), "y", data.dtype)


def as_row_numbers(rows: Any, name: str, n_samples: int) -> np.ndarray:
    """Check row numbers and convert them to int64. Duplicates are allowed.

    Raises
    ------
    DtypeError, ShapeError, DataError
        If they are not whole numbers, not one-dimensional, or out of range.
    """
    array = as_numbers(rows, name)
    if array.size == 0:
        raise DataError(f"{name} selects no samples")
    if array.dtype.kind not in "iu":
        raise DtypeError(f"{name} must hold numbers of rows (int), got {array.dtype}: for a mask, pass np.flatnonzero(mask)")
    if array.ndim != 1:
        raise ShapeError(f"{name} must be a vector of numbers of rows, got shape {array.shape}")
    outside = array[(array < 0) | (array >= n_samples)]
    if len(outside):
        raise DataError(f"{name} holds {outside[0]}, and the rows of X are 0 to {n_samples - 1}")
    return np.ascontiguousarray(array, np.int64)

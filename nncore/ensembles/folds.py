"""Which rows each member of an ensemble is trained on, and which it is validated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nncore.errors import DataError


@dataclass(frozen=True)
class Fold:
    """Rows by number.

    Attributes
    ----------
    train : ndarray of int64
    validation : ndarray of int64 or None
        None for a fit on all rows.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64] | None


def folds(rows: NDArray[np.int64], n_folds: int, strata: np.ndarray | None, random_state: np.random.RandomState) -> list[Fold]:
    """Cross-validation: each row is in the validation rows of one fold. The proportions of `strata`, class indices by row, are kept.

    Raises
    ------
    DataError
        If there are fewer rows than folds.
    """
    if len(rows) < n_folds:
        raise DataError(f"n_samples={len(rows)} cannot be divided into n_cv={n_folds} folds: give more samples, or a smaller n_cv")
    shuffled = _in_order(rows, strata, random_state)
    parts = [np.sort(shuffled[number::n_folds]) for number in range(n_folds)]
    return [Fold(np.sort(np.concatenate(parts[:number] + parts[number + 1 :])), part) for number, part in enumerate(parts)]


def hold_out(rows: NDArray[np.int64], fraction: float, strata: np.ndarray | None, random_state: np.random.RandomState) -> Fold:
    """A fraction of the rows, at least one, validates; the proportions of `strata` are kept.

    Raises
    ------
    DataError
        If nothing is left to train on.
    """
    n_validation = max(1, round(len(rows) * fraction))
    if len(rows) <= n_validation:
        raise DataError(
            f"n_samples={len(rows)} leaves no sample to train on beside validation_fraction={fraction}: give more samples, or pass X_val"
        )
    shuffled = _in_order(rows, strata, random_state)
    is_held_out = np.zeros(len(rows), bool)
    # Evenly spaced: of each stratum, its share.
    is_held_out[((np.arange(n_validation) + random_state.uniform()) * len(rows) / n_validation).astype(np.int64)] = True
    return Fold(np.sort(shuffled[~is_held_out]), np.sort(shuffled[is_held_out]))


def _in_order(rows: NDArray[np.int64], strata: np.ndarray | None, random_state: np.random.RandomState) -> NDArray[np.int64]:
    """The rows shuffled, one stratum after the other."""
    shuffled = random_state.permutation(rows)
    return shuffled if strata is None else shuffled[np.argsort(strata[shuffled], kind="stable")]

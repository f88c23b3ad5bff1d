"""Numbers of mean 0 and standard deviation 1, as networks like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import rescaled
from nncore.blocks import blocks
from nncore.errors import DataError

#: A column of one value has a standard deviation of rounding noise at most: this part of its mean.
NOISE = 1e-12


@dataclass(frozen=True)
class Standardizer:
    """(x − mean)/std for some columns of a matrix; NaN stays NaN.

    Attributes
    ----------
    mean, std : ndarray of shape (n_columns,), float64
        0 and 1 for columns that stay as they are; std is 1 for constant ones, so that nothing divides by 0.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        X: NDArray[np.floating],
        columns: Sequence[int] | NDArray[np.int64],
        sample_weight: NDArray[np.floating] | None = None,
        labels: Sequence[str] | None = None,
    ) -> Self:
        """Mean and standard deviation of the values that are there.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_columns)
            The rows to learn from alone, none of those held out.
        columns : sequence of int
            Those to standardise.
        sample_weight : ndarray of shape (n_samples,), optional
            A weight of 2 counts as two rows, one of 0 as none.
        labels : sequence of str, optional
            What messages call each of `columns`: "column 3 of X", by default.

        Raises
        ------
        DataError
            If a column's numbers are so large that their squares overflow.
        """
        chosen = np.asarray(columns, np.int64)
        weights = None if sample_weight is None else rescaled(sample_weight)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            # About a value of each column, so that a small deviation from a large mean keeps its digits.
            origin = np.nan_to_num(X[:1, chosen].astype(np.float64))
            total, mean = _weighted_sums(X, chosen, weights, origin, 1)
            mean = origin[0] + np.where(total > 0, mean / total, 0.0)
            total, variance = _weighted_sums(X, chosen, weights, mean[None], 2)
            std = np.sqrt(np.where(total > 0, variance / total, 0.0))
        too_large = np.flatnonzero(~np.isfinite(std))
        if len(too_large):
            label = f"column {chosen[too_large[0]]} of X" if labels is None else labels[too_large[0]]
            raise DataError(f"{label} holds numbers too large to be standardised: divide them first")
        result = cls(np.zeros(X.shape[1]), np.ones(X.shape[1]))
        result.mean[chosen], result.std[chosen] = mean, np.where(std > NOISE * np.abs(mean), std, 1.0)
        return result

    def transform(self, X: NDArray[Any], dtype: np.dtype | None = None, *, in_place: bool = False) -> NDArray[np.floating]:
        """A matrix of the shape of `X`, computed in float64 and rounded to `dtype` (by default that of `X`, if it is floating) last.

        A new one, or `X` itself if it may be written to and has the dtype.
        """
        if dtype is None:
            dtype = X.dtype if X.dtype.kind == "f" else np.dtype(np.float64)
        result = X if in_place and X.dtype == dtype else np.empty(X.shape, dtype)
        for rows in blocks(len(X), 8 * X.shape[1]):
            deviation = X[rows] - self.mean
            result[rows] = np.divide(deviation, self.std, out=deviation)
        return result

    def inverse(self, values: NDArray[np.floating], n_each: int = 1) -> NDArray[np.floating]:
        """What `values`, ``(n_rows, n_columns · n_each)`` with those of a column side by side, were before `transform`, in their dtype."""
        mean, std = np.repeat(self.mean, n_each), np.repeat(self.std, n_each)
        return (values * std + mean).astype(values.dtype)


def _weighted_sums(
    X: NDArray[np.floating], columns: NDArray[np.int64], weights: NDArray[np.float64] | None, origin: NDArray[np.float64], power: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σw and Σw·(x − origin)^power of each column over the rows in which it is not NaN; without weights each row counts once."""
    total, result = np.zeros(len(columns)), np.zeros(len(columns))
    are_all = len(columns) == X.shape[1] and bool((columns == np.arange(len(columns))).all())
    for rows in blocks(len(X), 8 * max(1, len(columns))):
        terms = (X[rows] if are_all else X[rows, columns]) - origin
        weight = np.ones(len(terms)) if weights is None else weights[rows]
        is_absent = np.isnan(terms)
        if is_absent.any():
            terms[is_absent] = 0
            total += weight @ ~is_absent
        else:
            total += weight.sum()
        if power == 2:
            np.multiply(terms, terms, out=terms)
        result += weight @ terms
    return total, result

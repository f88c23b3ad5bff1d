"""Columns of numbers for a network: robustly scaled, with far values drawn in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import blocks


@dataclass(frozen=True)
class ScaledColumns:
    """z = (x − median)·f, then z / √(1 + (z/limit)²), for some columns of a matrix; NaN stays NaN.

    f is 1 / (q75 − q25), or where that is 0, 2 / (max − min), or where that is 0 too, 0.

    Attributes
    ----------
    columns : ndarray of int64
        Those that are scaled.
    median, factor : ndarray of shape (n_scaled,), float64
    limit : float
        What no value goes beyond.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024.
    """

    columns: NDArray[np.int64]
    median: NDArray[np.float64]
    factor: NDArray[np.float64]
    limit: float

    @classmethod
    def fit(cls, X: NDArray[np.floating], columns: NDArray[np.int64], limit: float) -> Self:
        """From the rows of `X`, of shape (n_samples, n_columns)."""
        median, spread = np.zeros(len(columns)), np.zeros(len(columns))
        for number, column in enumerate(columns):
            values = X[:, column].astype(np.float64)
            values = values[~np.isnan(values)]
            if not len(values):
                continue
            low, median[number], high = np.quantile(values, (0.25, 0.5, 0.75))
            with np.errstate(over="ignore"):
                spread[number] = high - low if high > low else (values.max() - values.min()) / 2
        with np.errstate(divide="ignore"):
            factor = np.where(spread > 0, 1 / spread, 0.0)
        return cls(columns, median, np.where(np.isfinite(factor), factor, 0.0), limit)

    def transform(self, X: NDArray[np.floating], dtype: np.dtype) -> NDArray[np.floating]:
        """A new matrix, computed in float64 and rounded to `dtype` last."""
        result = np.empty(X.shape, dtype)
        others = np.setdiff1d(np.arange(X.shape[1]), self.columns)
        result[:, others] = X[:, others]
        for rows in blocks(len(X), 8 * max(1, len(self.columns))):
            with np.errstate(over="ignore"):
                z = (X[rows][:, self.columns] - self.median) * self.factor
                result[rows, self.columns] = z / np.hypot(1.0, z / self.limit)
        return result

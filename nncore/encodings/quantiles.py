"""Quantiles of columns, of rows that count alike or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: To find numbers at more places than these, a column is sorted.
MOST_PARTED = 8


def quantiles(columns: NDArray[np.float64], levels: ArrayLike, sample_weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Quantiles of what is there of each column.

    Without weights they are `numpy.quantile`'s, linear between neighbours. With weights each number stands in the middle of its weight:
    the k-th smallest of weight w_k is the quantile of level (C_k − C_1)/(C_n − C_1), C_k = w_1 + … + w_k − w_k/2, linear in between. Only
    ratios of weights count, and equal ones give the same as none.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
        NaN where a number is missing.
    levels : array-like of shape (n_levels,)
        From 0 to 1.
    sample_weight : ndarray of shape (n_samples,) or None
        Above 0.

    Returns
    -------
    ndarray of shape (n_columns, n_levels), float64
        NaN for a column in which nothing is there.
    """
    x, q = columns.T, np.asarray(levels, np.float64)
    if sample_weight is None:
        last = np.maximum(len(columns) - np.isnan(x).sum(axis=1) - 1, 0)[:, None]
        place = q * last
        below = np.floor(place).astype(np.int64)
        x = _sorted_at(x, np.concatenate([below, np.minimum(below + 1, last)], axis=1))
        low, high = np.take_along_axis(x, below, axis=1), np.take_along_axis(x, np.minimum(below + 1, last), axis=1)
        part = place - below
        # From the nearer end, as NumPy does it: the larger part of a rounding error vanishes, and order is kept.
        return np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    found = np.full((len(x), len(q)), np.nan)
    for column, row in zip(x, found, strict=True):
        order = np.argsort(column)[: len(column) - int(np.isnan(column).sum())]
        if len(order):
            weight = sample_weight[order]
            middle = np.cumsum(weight) - weight / 2
            level = (middle - middle[0]) / ((middle[-1] - middle[0]) or 1.0)
            row[:] = np.interp(q, level, column[order])
    return found


def _sorted_at(x: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The rows with what sorting would bring to some places there; NaN comes last."""
    if places.shape[1] > MOST_PARTED:
        return np.sort(x, axis=1)
    x = np.array(x, order="C")
    for row, own in zip(x, places, strict=True):
        row.partition(np.unique(own))
    return x

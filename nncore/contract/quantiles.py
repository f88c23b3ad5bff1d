"""Quantiles of columns, weighted or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: A column is sorted to find numbers at more places than these.
MOST_PARTED = 8


def quantiles(columns: NDArray[np.float64], levels: ArrayLike, sample_weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Compute quantiles of each column without its missing numbers.

    Without weights they are those of `numpy.quantile`, linear between neighbours. With weights each number is at the middle of its weight.
    The k-th smallest, of weight w_k, is the quantile of level (C_k − C_1)/(C_n − C_1) with C_k = w_1 + … + w_k − w_k/2. Between them
    quantiles are linear. Equal numbers keep the order of their rows. Only ratios of weights matter, and equal weights give the same result
    as none.

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
        NaN for a column without numbers.
    """
    x, q = columns.T, np.asarray(levels, np.float64)
    if sample_weight is None or bool((sample_weight == sample_weight[:1]).all()):
        last = np.maximum(len(columns) - np.isnan(x).sum(axis=1) - 1, 0)[:, None]
        place = q * last
        below = np.floor(place).astype(np.int64)
        low, high = _neighbours(np.array(x, order="C"), below, last)
        return between(low, high, place - below)
    found = np.full((len(x), len(q)), np.nan)
    for column, row in zip(x, found, strict=True):
        order = np.argsort(column, kind="stable")[: len(column) - int(np.isnan(column).sum())]
        if len(order):
            weight = sample_weight[order]
            middle = np.cumsum(weight) - weight / 2
            level = (middle - middle[0]) / ((middle[-1] - middle[0]) or 1.0)
            row[:] = np.interp(q, level, column[order])
    return found


def between(low: NDArray[np.float64], high: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers on the way from `low` to `high`, which have gone this part of it.

    From the nearer end, as NumPy does it: the larger part of a rounding error vanishes, and order is kept.
    """
    numbers: NDArray[np.float64] = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return numbers


def _neighbours(
    x: NDArray[np.float64], below: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What sorting would bring to some places of each row, and to the places behind them, up to a last one; rows are changed."""
    if below.shape[1] > MOST_PARTED:
        x.sort(axis=1)  # NaN comes last
        return np.take_along_axis(x, below, axis=1), np.take_along_axis(x, np.minimum(below + 1, last), axis=1)
    low, high = np.empty(below.shape), np.empty(below.shape)
    for row, places, end, own_low, own_high in zip(x, below, last[:, 0].tolist(), low, high, strict=True):
        found = np.unique(places)
        start = 0
        for place in found.tolist():  # one by one: with two places at once NumPy takes five times as long
            row[start:].partition(place - start)
            start = place + 1
        # The next number is the least of those behind, which are not sorted.
        ends = [*(found[1:] + 1).tolist(), len(row)]
        following = [row[place] if place == end else np.fmin.reduce(row[place + 1 : stop]) for place, stop in zip(found, ends, strict=True)]
        own_low[:] = row[places]
        own_high[:] = np.array(following)[np.searchsorted(found, places)]
    return low, high

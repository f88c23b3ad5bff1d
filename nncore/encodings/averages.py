"""Means over the rows in which a column has a number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def means(columns: NDArray[np.float64], sample_weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The weighted mean of what is there of each column, 0 where nothing is.

    Each column is summed for itself, so that its mean does not depend on what is beside it.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
        NaN where a number is missing.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    ndarray of shape (n_columns,), float64
    """
    x = columns.T
    is_there = ~np.isnan(x)
    weight = is_there if sample_weight is None else is_there * sample_weight
    # About a value of each column, so that a small deviation from a large mean keeps its digits.
    origin = np.take_along_axis(np.where(is_there, x, 0.0), is_there.argmax(axis=1)[:, None], axis=1)
    terms = np.where(is_there, x - origin, 0.0)
    total = weight.sum(axis=1)
    mean: NDArray[np.float64] = origin[:, 0] + (weight * terms).sum(axis=1) / np.where(total > 0, total, 1.0)
    return mean

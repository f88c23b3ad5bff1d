"""Means over the rows in which a column has a number."""

from __future__ import annotations

from typing import Any

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
    # About a value of each column, so that a small deviation from a large mean keeps its digits.
    origin = np.take_along_axis(x, is_there.argmax(axis=1)[:, None], axis=1)
    terms = x - origin
    if is_there.all():
        total: Any = float(len(columns)) if sample_weight is None else sample_weight.sum()
    else:
        origin, terms = np.where(np.isnan(origin), 0.0, origin), np.where(is_there, terms, 0.0)
        counts = is_there.sum(axis=1) if sample_weight is None else np.where(is_there, sample_weight, 0.0).sum(axis=1)
        total = np.where(counts > 0, counts, 1.0)
    if sample_weight is not None:
        np.multiply(terms, sample_weight, out=terms)
    mean: NDArray[np.float64] = origin[:, 0] + terms.sum(axis=1) / total
    return mean

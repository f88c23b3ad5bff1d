"""Norms of the units of a tensor."""

from __future__ import annotations

import numpy as np


def norms(w: np.ndarray, axis: int) -> np.ndarray:
    """Over an axis, which stays with length 1, float64."""
    return np.sqrt(np.square(w, dtype=np.float64).sum(axis=axis, keepdims=True))


def split_of(axis: int) -> str:
    """The parts that have norms of their own."""
    return "columns" if axis == 0 else "rows"

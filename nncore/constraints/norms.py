"""Norms of the units of a tensor."""

from __future__ import annotations

import numpy as np

from nncore.arguments import is_whole
from nncore.errors import ParameterError


def norms(w: np.ndarray, axis: int) -> np.ndarray:
    """Over an axis, which stays with length 1, float64."""
    return np.sqrt(np.square(w, dtype=np.float64).sum(axis=axis, keepdims=True))


def check_axis(who: str, axis: object) -> None:
    """Raise `ParameterError` unless it is 0 or 1."""
    if not is_whole(axis) or axis not in (0, 1):
        raise ParameterError(f"{who}: axis must be 0, a norm for each column, or 1, a norm for each row; got {axis!r}")


def split_of(axis: int) -> str:
    """The parts that have norms of their own."""
    return "columns" if axis == 0 else "rows"

"""Constant values."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Initializer


class Constant(Initializer):
    """Constant values: one number everywhere, or the values of an array.

    Parameters
    ----------
    value : float or array_like, default 0.0
        A number, or an array of the tensor's shape: ``(n_in, n_out)`` for a weight. It is stored as a (nested) list of floats.

    Raises
    ------
    ParameterError
        If `value` is not made of finite numbers, or has rows of different lengths.
    ShapeError
        From `sample`, if the tensor has another shape than the array.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value: Any = _numbers(value).tolist()

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        values = np.array(self.value, np.float64)
        if values.ndim and values.shape != tuple(shape):
            raise ShapeError(
                f"Constant holds values of shape {values.shape}, the tensor has shape {tuple(shape)}: "
                f"give an array of that shape, or one number for all"
            )
        return np.full(shape, values)

    def __repr__(self) -> str:
        if isinstance(self.value, float):
            return super().__repr__()
        return f"Constant(value=<array of shape {np.shape(self.value)}>)"


def _numbers(value: Any) -> np.ndarray:
    """`value` as float64, of any shape."""
    try:
        values = np.asarray(value)
    except Exception as error:  # of NumPy, or of an object that claims to be an array
        raise ParameterError(f"Constant: value must be a number or an array, with rows of one length: {error}") from None
    with np.errstate(over="ignore"):
        values = values.astype(np.float64) if values.dtype.kind in "iuf" else np.array(np.nan)
    if not np.isfinite(values).all():
        raise ParameterError(f"Constant: value must be made of finite numbers, got {shown(value)}")
    return values

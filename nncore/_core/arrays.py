"""Arrays as C reads them."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_c_array(array: np.ndarray, dtype: np.dtype) -> bool:
    """Whether C can read the array where it lies: no gaps, the processor's byte order, and numbers at multiples of their size."""
    return array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned


def as_c_array(values: Any, dtype: np.dtype) -> np.ndarray:
    """`values` in an array for which `is_c_array` holds, a copy only if they are not in one."""
    array = np.ascontiguousarray(values, dtype)
    return array if array.flags.aligned else array.copy()

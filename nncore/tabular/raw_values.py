"""Values of rows in the pass in which it is learned how to encode them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RawValues:
    """Columns of a block of rows, before they are encoded.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_numbers)
        NaN where missing.
    parts : mapping to ndarray of shape (n_rows, n_parts)
        For each date column all parts of its dates: see `DatePartsLearner`.
    codes : mapping to ndarray of shape (n_rows,), int64
        For each category column a code of each value, in the order in which values occurred first; -1 where missing.
    target : ndarray of shape (n_rows,) or (n_rows, n_targets), or None
        Real targets; None for classes.
    """

    numbers: NDArray[np.floating]
    parts: Mapping[Any, NDArray[np.float64]]
    codes: Mapping[Any, NDArray[np.int64]]
    target: NDArray[np.floating] | None

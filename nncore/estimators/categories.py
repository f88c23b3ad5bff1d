"""A categorical column: its levels as training saw them, and how they become numbers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.errors import DataError
from nncore.estimators.frames import is_missing


@dataclass(frozen=True)
class Categories:
    """A categorical column as training saw it.

    Attributes
    ----------
    levels : tuple
        Sorted, so that the order of the rows does not matter.
    has_missing : bool
        A missing value is a level of its own, the last one.
    one_hot : bool
        A column of zeros and ones for each level, or else one column of codes for an embedding.
    """

    levels: tuple[Hashable, ...]
    has_missing: bool
    one_hot: bool

    @property
    def n_levels(self) -> int:
        return len(self.levels) + self.has_missing

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.n_levels if self.one_hot else 1

    @classmethod
    def learn(cls, label: str, values: list[Any], max_one_hot: int) -> Self:
        """From all values of a column that messages call `label`."""
        try:
            distinct = set(values)
        except TypeError:
            raise DataError(f"{label} of X holds lists or other containers, which are no categories: drop it") from None
        present = [value for value in distinct if not is_missing(value)]
        try:
            levels = sorted(present)
        except TypeError:  # numbers and text in one column
            levels = sorted(present, key=lambda value: (type(value).__name__, str(value)))
        has_missing = len(present) < len(distinct)
        return cls(tuple(levels), has_missing, len(levels) + has_missing <= max_one_hot)

    def codes(self, label: str, values: list[Any]) -> NDArray[np.int64]:
        """Level of every row, shape ``(n_rows,)``; `n_levels` for a value that training did not have."""
        code_of = {level: code for code, level in enumerate(self.levels)}
        try:
            codes = np.fromiter((code_of.get(value, self.n_levels) for value in values), np.int64, len(values))
        except TypeError:
            raise DataError(f"{label} of X holds lists or other containers, where training had categories") from None
        if self.has_missing:
            strangers = np.flatnonzero(codes == self.n_levels)
            codes[[row for row in strangers if is_missing(values[row])]] = len(self.levels)
        return codes

    def write(self, codes: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Write a column with these codes into `out`, shape ``(n_rows, width)``; one-hot, a stranger is all zero."""
        if not self.one_hot:
            out[:, 0] = codes
            return
        out[:] = 0
        rows = np.flatnonzero(codes < self.n_levels)
        out[rows, codes[rows]] = 1

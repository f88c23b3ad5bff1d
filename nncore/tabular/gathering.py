"""Collect a column from the pieces of a file. It is stored by distinct text while these are few or not numbers, otherwise as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore._core import ODD, Distinct, read_numbers
from nncore.tabular.cells import MOST_BYTES, Cells
from nncore.tabular.column import CodedColumn, Column, NumberColumn, are_mostly_numbers, codes_type
from nncore.tabular.texts import Texts

#: A column is stored by distinct text while all columns have at most this many, or the column at most this share of its rows.
FEW_TEXTS, FEW_SHARE = 20_000, 0.1

#: This many distinct texts of a column are always few.
FEW_OF_ONE = 50

#: Largest factor by which a column's memory is allocated ahead.
MOST_AHEAD = 64


class Gatherer:
    """Collect the cells of one column, piece by piece."""

    def __init__(self, n_columns: int = 1) -> None:
        self._few = max(FEW_OF_ONE, FEW_TEXTS // n_columns)
        self._distinct = Distinct()
        self._codes: _Growing = _Growing(np.dtype(np.int8))
        self._looked_at = 0  # number of distinct texts at the last check for numbers
        self._numbers: _Growing | None = None
        self._forms: _Growing = _Growing(np.dtype(np.uint16))
        self._odd_rows: _Growing = _Growing(np.dtype(np.int64))

    def add(self, cells: Cells, share: float = 1.0) -> None:
        """Add the next cells. `share` is the fraction of the column that is read then."""
        if self._numbers is not None:
            self._add_numbers(self._numbers, cells, share)
            return
        codes = self._distinct.add(cells.data, cells.begins, cells.ends)
        n = len(self._distinct)
        self._codes.widen(codes_type(n))
        self._codes.next(len(codes), share)[:] = codes
        if n > max(self._few, FEW_SHARE * self._codes.n, 2 * self._looked_at):
            self._looked_at = n
            texts = Texts.of_distinct(self._distinct)
            if are_mostly_numbers(texts) and len(texts.data) <= MOST_BYTES:
                codes, self._codes, self._distinct = self._codes.all(), _Growing(np.dtype(np.int8)), Distinct()
                self._numbers = _Growing(np.dtype(np.float64))
                begins, ends = texts.offsets[:-1].astype(np.int32), texts.offsets[1:].astype(np.int32)
                is_there = codes >= 0
                self._add_numbers(self._numbers, Cells(texts.data, begins[codes] * is_there, ends[codes] * is_there), share)

    def _add_numbers(self, numbers: _Growing, cells: Cells, share: float) -> None:
        start, forms = numbers.n, self._forms.next(len(cells), share)
        if not read_numbers(cells.data, cells.begins, cells.ends, numbers.next(len(cells), share), forms):
            return
        rows = np.flatnonzero(forms == ODD)
        odd = cells[rows]
        codes = self._distinct.add(odd.data, odd.begins, odd.ends)
        self._codes.widen(codes_type(len(self._distinct)))
        self._codes.next(len(rows), share)[:] = codes
        self._odd_rows.next(len(rows), share)[:] = rows + start

    def gathered(self) -> Column:
        """All cells as a column. The collected data are freed."""
        texts = Texts.of_distinct(self._distinct)
        coded = CodedColumn(self._codes.all(), list(texts) if len(texts) <= self._few else texts)
        numbers, self._numbers, self._distinct = self._numbers, None, Distinct()
        return coded if numbers is None else NumberColumn(numbers.all(), self._forms.all(), self._odd_rows.all(), coded)


class _Growing:
    """An array that grows at its end."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._array: NDArray[Any] = np.empty(0, dtype)
        self.n = 0

    def next(self, n: int, share: float) -> NDArray[Any]:
        """Memory for the next `n` elements. `share` is the fraction of all elements that is written then."""
        start, self.n = self.n, self.n + n
        if self.n > len(self._array):
            expected = min(1.02 * self.n / max(share, 1e-9), MOST_AHEAD * self.n)
            longer = np.empty(max(int(expected), 9 * len(self._array) // 8, self.n), self._array.dtype)
            longer[:start] = self._array[:start]
            self._array = longer
        return self._array[start : self.n]

    def widen(self, dtype: np.dtype[Any]) -> None:
        """Convert to a larger dtype."""
        if dtype != self._array.dtype:
            longer = np.empty(len(self._array), dtype)
            longer[: self.n] = self._array[: self.n]
            self._array = longer

    def all(self) -> NDArray[Any]:
        """All elements written so far."""
        array, self._array = self._array, self._array[:0]
        array = array if self.n >= 0.9 * len(array) else array[: self.n].copy()
        return array[: self.n]

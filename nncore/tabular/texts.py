"""Many strings in contiguous memory, for the distinct cells of a column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from nncore._core import Distinct, read_numbers
from nncore.tabular.cells import MOST_BYTES, Cells

#: Decimal digits that float64 preserves.
KEPT_DIGITS = 15

#: Number of texts processed at a time.
AT_ONCE = 2**16

#: Number of texts that are converted to Python strings first; most checks need only a few.
FIRST = 64


class Texts(Sequence[str]):
    """Strings without surrounding blanks, concatenated as UTF-8.

    Parameters
    ----------
    data : bytes
    ends : ndarray of shape (n,), int64
        End of each text in `data`.
    """

    def __init__(self, data: bytes, ends: NDArray[np.int64]) -> None:
        self.data, self.offsets = data, np.concatenate([[0], ends])

    @classmethod
    def of(cls, texts: Collection[str]) -> Texts:
        """Make texts from Python strings."""
        data = "".join(texts).encode()
        lengths = map(len, texts) if data.isascii() else (len(text.encode()) for text in texts)
        return cls(data, np.cumsum(np.fromiter(lengths, np.int64, len(texts))))

    @classmethod
    def of_distinct(cls, distinct: Distinct) -> Texts:
        """Make texts from the core's distinct texts."""
        return cls(*distinct.texts())

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> list[str]: ...

    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            return self._some(start, stop) if step == 1 else [self[i] for i in range(start, stop, step)]
        return self.data[self.offsets[row] : self.offsets[row + 1]].decode()

    def _some(self, start: int, stop: int) -> list[str]:
        if stop <= start:
            return []
        begin, end = int(self.offsets[start]), int(self.offsets[stop])
        data, bounds = self.data[begin:end], (self.offsets[start : stop + 1] - begin).tolist()
        if data.isascii():  # each character is a byte
            text = data.decode()
            return [text[a:b] for a, b in pairwise(bounds)]
        return [data[a:b].decode() for a, b in pairwise(bounds)]

    def __iter__(self) -> Iterator[str]:
        start, n = 0, FIRST
        while start < len(self):
            yield from self._some(start, min(start + n, len(self)))
            start, n = start + n, min(2 * n, AT_ONCE)

    def replaced(self, old: bytes, new: bytes) -> Texts:
        """Replace one character by another."""
        return Texts(self.data.replace(old, new), self.offsets[1:])

    def in_lower_case_among(self, words: Collection[str]) -> list[int]:
        """Indices of the texts that equal one of `words` in lower case."""
        sizes = {len(word.encode()) for word in words}
        lengths = np.diff(self.offsets)
        # A letter that is not ASCII may have fewer bytes in lower case; no letter has more than four.
        may_be = np.isin(lengths, list(sizes)) if self.data.isascii() else lengths <= 4 * max(sizes, default=0)
        return [i for i in np.flatnonzero(may_be).tolist() if self[i].lower() in words]

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
        """`as_number` of each text (NaN for None) and its form (`read_numbers`), both of shape ``(n,)``."""
        numbers, forms = np.empty(len(self)), np.empty(len(self), np.uint16)
        for rows, cells in self._cells():
            read_numbers(cells.data, cells.begins, cells.ends, numbers[rows], forms[rows])
        return numbers, forms

    def _cells(self) -> Iterator[tuple[slice, Cells]]:
        for start in range(0, len(self), AT_ONCE):
            rows = slice(start, min(start + AT_ONCE, len(self)))
            begin, end = int(self.offsets[rows.start]), int(self.offsets[rows.stop])
            offsets = (self.offsets[rows.start : rows.stop + 1] - begin).astype(np.int32)
            yield rows, Cells(memoryview(self.data)[begin:end], offsets[:-1], offsets[1:])

    def numbers(self, step: int = 1) -> NDArray[np.float64]:
        """`as_number` of every `step`-th text, NaN for None; float64."""
        if step == 1:
            return self.read()[0]
        rows = np.arange(0, len(self), step)
        return Texts.of([self[row] for row in rows.tolist()]).numbers() if len(self.data) > MOST_BYTES else self._numbers_of(rows)

    def _numbers_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        numbers, forms = np.empty(len(rows)), np.empty(len(rows), np.uint16)
        read_numbers(self.data, self.offsets[rows].astype(np.int32), self.offsets[rows + 1].astype(np.int32), numbers, forms)
        return numbers

    def are_short_numbers(self) -> NDArray[np.bool_]:
        """For texts that are numbers: mask of those with few enough digits for float64, and without leading zeros as in 007."""
        begins, lengths = self.offsets[:-1], np.diff(self.offsets)
        letters = np.frombuffer(self.data + b"  ", np.uint8)
        begins = begins + np.isin(letters[begins], list(b"+-"))
        is_code = (letters[begins] == ord("0")) & (letters[begins + 1] >= ord("0")) & (letters[begins + 1] <= ord("9"))
        short: NDArray[np.bool_] = (lengths <= KEPT_DIGITS) & ~is_code
        return short

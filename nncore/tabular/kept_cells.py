"""Keep rows of a file as text, while it is not yet known which of them are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.tabular.cells import MOST_BYTES, Cells

#: Parts of a text that are at most so long on average are copied byte by byte, but without a call for each.
SHORT = 24


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The rows of a block, as read.

    Attributes
    ----------
    columns : sequence of Cells
        They may point into the text of the whole block.
    places : ndarray of int64
        The line or row of each, for messages.
    numbers : ndarray of int64
        Their numbers, from 0, counted over all files.
    """

    columns: Sequence[Cells]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def chosen(self, rows: NDArray[np.int64]) -> KeptRowsOfBlock:
        """Copy some rows, so that the block can be freed."""
        texts = [_Texts.of(list(own), rows) for _, own in groupby(self.columns, lambda cells: id(cells.data))]
        return KeptRowsOfBlock(texts, self.places[rows], self.numbers[rows])


@dataclass(frozen=True, slots=True)
class KeptRowsOfBlock:
    """Some rows of a block. Few large objects hold them: of a large file, most blocks keep only a few rows.

    Attributes
    ----------
    texts : sequence of _Texts
        Those of consecutive columns.
    places, numbers : ndarray of int64
        See `ReadRows`.
    """

    texts: Sequence[_Texts]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @property
    def columns(self) -> list[Cells]:
        """The cells of each column."""
        return [cells for texts in self.texts for cells in texts.columns]

    def chosen(self, rows: NDArray[np.int64]) -> KeptRowsOfBlock:
        """Copy some rows."""
        return KeptRowsOfBlock([texts.chosen(rows) for texts in self.texts], self.places[rows], self.numbers[rows])


def chosen_rows(block: ReadRows | KeptRowsOfBlock, rows: NDArray[np.int64]) -> KeptRowsOfBlock:
    """Copy some rows of a block."""
    return block.chosen(rows)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Cells of consecutive columns in one text. It has a piece for each row, which is copied as a whole: a line of a text file.

    Attributes
    ----------
    data : bytes
    starts : ndarray of shape (n_rows + 1,), int32
        Where the piece of each row begins, and where the last one ends.
    begins, ends : ndarray of shape (n_columns, n_rows), uint16 or int32
        The cells in the piece of their row; both 0 for a missing one.
    """

    data: bytes
    starts: NDArray[np.int32]
    begins: NDArray[Any]
    ends: NDArray[Any]

    @classmethod
    def of(cls, columns: Sequence[Cells], rows: NDArray[np.int64]) -> _Texts:
        """Copy rows of columns that point into the same text."""
        begins, ends = (np.array([bounds[rows] for bounds in every]) for every in zip(*((c.begins, c.ends) for c in columns), strict=True))
        is_there = ends > begins
        first, last = np.where(is_there, begins, MOST_BYTES).min(axis=0), np.where(is_there, ends, 0).max(axis=0)
        first = np.minimum(first, last)
        begins, ends = (np.where(is_there, bounds - first, 0) for bounds in (begins, ends))
        lengths = last - first
        dtype = np.uint16 if lengths.max(initial=0) < 2**16 else np.int32
        data = _joined(columns[0].data, first, last)
        return cls(data, _starts(lengths), begins.astype(dtype), ends.astype(dtype))

    @property
    def columns(self) -> list[Cells]:
        starts = self.starts[:-1]
        return [Cells(self.data, starts + begins, starts + ends) for begins, ends in zip(self.begins, self.ends, strict=True)]

    def chosen(self, rows: NDArray[np.int64]) -> _Texts:
        """Copy some rows."""
        first, last = self.starts[:-1][rows], self.starts[1:][rows]
        return _Texts(_joined(self.data, first, last), _starts(last - first), self.begins[:, rows], self.ends[:, rows])


def _starts(lengths: NDArray[Any]) -> NDArray[np.int32]:
    """Where pieces begin, and where the last one ends. The text of a block has less than 2³¹ bytes."""
    found = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=found[1:])
    return found


def _joined(data: Any, begins: NDArray[Any], ends: NDArray[Any]) -> bytes:
    """Parts of a text, one after the other."""
    lengths = ends - begins
    past = lengths.cumsum(dtype=np.int64)
    n_bytes = int(past[-1]) if len(past) else 0
    if n_bytes > SHORT * len(begins):
        return b"".join([data[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)])
    if not n_bytes:
        return b""
    positions = np.arange(n_bytes) + np.repeat(begins - (past - lengths), lengths)
    return np.frombuffer(data, np.uint8)[positions].tobytes()

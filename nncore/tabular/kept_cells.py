"""Keep rows of a file as text, while it is not yet known which of them are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nncore.tabular.cells import Cells


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
        lengths = np.empty((len(self.columns), len(rows)), np.int32)
        pieces = []
        for number, cells in enumerate(self.columns):
            begins = cells.begins[rows]
            lengths[number] = cells.ends[rows] - begins
            pieces.append(_copied(cells.data, begins, lengths[number]))
        return KeptRowsOfBlock(b"".join(pieces), lengths, self.places[rows], self.numbers[rows])


@dataclass(frozen=True, slots=True)
class KeptRowsOfBlock:
    """Some rows of a block. Few large objects hold them: of a large file, most blocks keep only a few rows.

    Attributes
    ----------
    data : bytes
        The texts of the first column, then those of the next, without anything between them.
    lengths : ndarray of shape (n_columns, n_rows), int32
        Bytes of each cell.
    places, numbers : ndarray of int64
        See `ReadRows`.
    """

    data: bytes
    lengths: NDArray[np.int32]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @property
    def columns(self) -> list[Cells]:
        """The cells of each column."""
        starts = np.append(0, self.lengths.sum(axis=1, dtype=np.int64).cumsum()).tolist()
        text, found = memoryview(self.data), []
        for lengths, start, stop in zip(self.lengths, starts, starts[1:], strict=False):
            ends = lengths.cumsum(dtype=np.int32)
            found.append(Cells(text[start:stop], ends - lengths, ends))
        return found

    def chosen(self, rows: NDArray[np.int64]) -> KeptRowsOfBlock:
        """Copy some rows."""
        return ReadRows(self.columns, self.places, self.numbers).chosen(rows)


def chosen_rows(block: ReadRows | KeptRowsOfBlock, rows: NDArray[np.int64]) -> KeptRowsOfBlock:
    """Copy some rows of a block."""
    return block.chosen(rows)


def _copied(data: bytes, begins: NDArray[np.int32], lengths: NDArray[np.int32]) -> bytes:
    """The texts of some cells, one after the other."""
    ends = lengths.cumsum(dtype=np.int64)
    n_bytes = int(ends[-1]) if len(ends) else 0
    positions = np.arange(n_bytes) + np.repeat(begins - (ends - lengths), lengths)
    return np.frombuffer(data, np.uint8)[positions].tobytes() if n_bytes else b""

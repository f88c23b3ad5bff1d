"""A table in files as a stream of samples: made a block at a time, while a network is trained on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nncore.data import Stream, StreamBlock
from nncore.tabular.table import Table
from nncore.tabular.table_files import TableFiles

#: About what a cell takes while a block is read: its place in the text twice, its number and how that is written.
BYTES_A_CELL = 40

#: What is read of a file at a time, several times over.
BYTES_A_FILE = 6 * 2**20

#: Numbers of rows in all files, and the rows themselves, that some are to be chosen of; returns places among them.
Chooser = Callable[[np.ndarray, Table], np.ndarray]


def chosen_blocks(
    files: TableFiles, number: int, first: int, n_rows: int, prepare: Callable[[Table], Table], chosen: Chooser
) -> Iterator[tuple[Table, np.ndarray]]:
    """The chosen rows of a piece and their numbers in all files, a block at a time.

    Parameters
    ----------
    files : TableFiles
    number : int
        Of the piece.
    first : int
        Number of its first row in all files.
    n_rows : int
        Rows of a block before some are chosen.
    prepare : callable
        What is done to each block first.
    chosen : callable
    """
    for block in files.blocks(number, n_rows):
        table = prepare(block)
        if len(files.paths) > 1:  # messages name the line in its file
            table = replace(table, unit=f"{files.pieces[number][0].name}, {table.unit}")
        numbers = np.arange(first, first + table.n_rows)
        rows = chosen(numbers, table)
        first += table.n_rows
        yield (table if len(rows) == table.n_rows else table.select_rows(rows)), numbers[rows]


class TableStream(Stream):
    """Rows of a table as a network takes them.

    Parameters
    ----------
    files : TableFiles
    sizes : sequence of int
        How many rows of each piece are chosen.
    firsts : sequence of int
        The number of the first row of each piece.
    prepare : callable
        What is done to each block before anything is made of it.
    chosen : callable
        Which rows are samples.
    samples : callable
        Makes inputs, targets and weights of a table that has rows.
    width : int
        How many inputs there are.
    """

    def __init__(
        self,
        files: TableFiles,
        sizes: Sequence[int],
        firsts: Sequence[int],
        prepare: Callable[[Table], Table],
        chosen: Chooser,
        samples: Callable[[Table], StreamBlock],
        width: int,
    ) -> None:
        self._files, self._sizes, self._firsts = files, np.array(sizes, np.int64), firsts
        self._prepare, self._chosen, self._samples = prepare, chosen, samples
        self.shape, self.n_samples, self.source = (width,), int(self._sizes.sum()), files.source
        self.bytes_per_row = 4 * width + BYTES_A_CELL * len(files.names)
        self.bytes_a_piece = BYTES_A_FILE

    @property
    def piece_rows(self) -> np.ndarray:
        return self._sizes

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        for table, _ in chosen_blocks(self._files, piece, self._firsts[piece], n_rows, self._prepare, self._chosen):
            if table.n_rows:
                yield self._samples(table)

"""A table in files as a stream of samples, encoded in blocks during training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nncore.data import Stream, StreamBlock
from nncore.tabular.table import Table
from nncore.tabular.table_files import TableFiles

#: Approximate bytes of a cell while a block is read: its position in the text twice, its number and its form.
BYTES_A_CELL = 40

#: Selects rows: takes their numbers, counted over all files, and the rows; returns positions among them.
Chooser = Callable[[np.ndarray, Table], np.ndarray]


def chosen_blocks(
    files: TableFiles, number: int, first: int, n_rows: int, prepare: Callable[[Table], Table], chosen: Chooser
) -> Iterator[tuple[Table, np.ndarray]]:
    """Read the chosen rows of a piece in blocks, with their numbers counted over all files.

    Parameters
    ----------
    files : TableFiles
    number : int
        Number of the piece.
    first : int
        Number of its first row, counted over all files.
    n_rows : int
        Rows of a block before rows are chosen.
    prepare : callable
        Applied to each block first.
    chosen : callable
    """
    for block in files.blocks(number, n_rows):
        table = prepare(block)
        if len(files.paths) > 1:  # messages name the line in the row's file
            table = replace(table, unit=f"{files.pieces[number][0].name}, {table.unit}")
        numbers = np.arange(first, first + table.n_rows)
        rows = chosen(numbers, table)
        first += table.n_rows
        yield (table if len(rows) == table.n_rows else table.select_rows(rows)), numbers[rows]


class TableStream(Stream):
    """The rows of a table as samples for a network.

    Parameters
    ----------
    files : TableFiles
    sizes : sequence of int
        Number of chosen rows of each piece.
    firsts : sequence of int
        The number of the first row of each piece.
    prepare : callable
        Applied to each block first.
    chosen : callable
        Selects the rows that are samples.
    samples : callable
        Makes inputs, targets and weights from a table with at least one row.
    width : int
        Number of inputs.
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
        self.bytes_a_piece = files.bytes_while_read

    @property
    def piece_rows(self) -> np.ndarray:
        return self._sizes

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        for table, _ in chosen_blocks(self._files, piece, self._firsts[piece], n_rows, self._prepare, self._chosen):
            if table.n_rows:
                yield self._samples(table)

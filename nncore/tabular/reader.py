"""Read tables: completely, or in blocks of rows."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import rows_at_once
from nncore.contract import row_hashes
from nncore.errors import DataError
from nncore.tabular.arrow_file import ArrowFile, ParquetFile
from nncore.tabular.cells import Cells
from nncore.tabular.column import Column
from nncore.tabular.csv_file import CsvFile
from nncore.tabular.decimal_commas import has_commas, may_hold, present_texts, with_points_for_commas
from nncore.tabular.gathering import Gatherer
from nncore.tabular.kept_cells import KeptRowsOfBlock, ReadRows, chosen_rows
from nncore.tabular.kept_rows import KeptRows
from nncore.tabular.magic import HEAD
from nncore.tabular.packed import unpacked
from nncore.tabular.source import TextLines, opened, source_name
from nncore.tabular.table import Table, row_numbers, unknown_column
from nncore.tabular.table_file import TableFile
from nncore.tabular.values import decimal_point, has_thousands

#: Rows of a block, large enough to make overhead negligible; and largest number of cells of a block, for wide tables.
BLOCK_ROWS, BLOCK_CELLS = 16_384, 2**20

#: Largest number of cells held as Python objects while a whole file is read.
PIECE_CELLS = 2**18

#: Rows that a watcher sees first.
SHOWN = 2**16

#: Kinds of files that are detected by their first bytes. Everything else is text.
_TYPED = (ParquetFile, ArrowFile)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """Format of a text file, as far as known.

    Attributes
    ----------
    header : bool or None
        Whether the first line names the columns. None: detect it. Without a header, columns are named ``c1`` to ``cn``.
    separator : str or None
        One character. None: detect it.
    decimal_comma : bool or None
        Whether 1,5 means 1.5. None: detect it, if the comma is not the separator.
    like_separator : str
        Separator of a similar file, preferred if several fit equally well.
    like_decimal_comma : bool
        Whether a similar text file has decimal commas.
    """

    header: bool | None = None
    separator: str | None = None
    decimal_comma: bool | None = None
    like_separator: str = ""
    like_decimal_comma: bool = False


def read_table(path: str | Path, writing: Writing | None = None, *, needed: Sequence[str] = ()) -> Table:
    """Read a CSV, Parquet or Feather file, compressed or not.

    Parameters
    ----------
    path : str or Path
        Parquet, Feather (Arrow), or text: UTF-8, or UTF-16 with a byte-order mark, separated by commas, semicolons, tabs, bars or blanks.
        Text may be compressed by gzip, bzip2, xz, zstd, lz4 or zip. Cells may be quoted with ``"``. ``-`` is standard input.
    writing : Writing, optional
        What is known of its format.
    needed : sequence of str
        Required columns. An error about a missing one is raised before any row is read.

    Raises
    ------
    DataError
        If the file cannot be read, is empty or not a table, has rows of different lengths or duplicate column names, or lacks a column.
    """
    writing = writing or Writing()
    with opened_file(path, writing) as file:
        names, known_names = file.names, set(file.names)
        for name in dict.fromkeys(needed):
            if name not in known_names:
                raise unknown_column(file.source, names, name, has_header=file.has_header)
        rows = _Rows(file)
        for block in file.blocks(rows_at_once(len(file.names), BLOCK_ROWS, of=PIECE_CELLS)):
            rows.add(*block, file.share_read)
        return rows.table(_decimal_comma(file, writing))


def read_blocks(
    path: str | Path, writing: Writing | None = None, *, n_rows: int | None = None, group: int | None = None
) -> Iterator[Table]:
    """Read a file as one or more tables of at most `n_rows` rows, so that memory does not grow with the file.

    Decimal commas are detected in the first block. One row `group` of a file that has them can be read by itself.
    """
    writing = writing or Writing()
    with opened_file(path, writing) as file:
        if group is not None:
            file.read_only(group)
        decimal_comma = _decimal_comma(file, writing)
        n_rows = n_rows or rows_at_once(len(file.names), BLOCK_ROWS, of=BLOCK_CELLS)
        rows = _Rows(file)
        blocks = file.blocks(n_rows)
        while True:
            try:
                columns, numbers = next(blocks, ((), ()))
            except DataError:
                if rows.n == n_rows:  # the block is complete
                    yield rows.table(decimal_comma)
                raise
            start = 0
            while start < len(numbers):
                # Only once there is another row, so that blank lines at the end of the file count for the last block.
                if rows.n == n_rows:
                    yield (table := rows.table(decimal_comma))
                    decimal_comma, rows = table.decimal_comma, _Rows(file)
                part = slice(start, start + n_rows - rows.n)
                rows.add([column[part] for column in columns], numbers[part])
                start = part.stop
            if not numbers:
                yield rows.table(decimal_comma)
                return


@dataclass(frozen=True)
class SomeRows:
    """Some rows of files with the same columns.

    Attributes
    ----------
    table : Table
    numbers : ndarray of shape (n_rows,), int64
        Their numbers, from 0, counted over all files.
    sizes : list of int
        Number of rows of each file.
    share : float
        All rows whose hash is below this fraction of 2⁶⁴ are there; 1 for all rows.
    """

    table: Table
    numbers: NDArray[np.int64]
    sizes: list[int]
    share: float


class RowWatcher(ABC):
    """Sees the rows that `read_some` does not keep, to learn from them in the same pass.

    Attributes
    ----------
    has_failed : bool
        Whether rows were missed, because they contradict the first rows. `add` is not called after that.
    """

    has_failed = False

    @abstractmethod
    def begin(self, table: Table, n_rows: int) -> None:
        """See a sample of the first rows, and about how many rows there are; once, before any call of `add`."""

    @abstractmethod
    def add(self, table: Table, numbers: NDArray[np.int64]) -> None:
        """See rows that are not kept, with their numbers."""


def read_some(paths: Sequence[Path], writing: Writing, most: int, seed: int, watcher: RowWatcher | None = None) -> SomeRows:
    """Read files with the same columns once, and keep about `most` rows, those whose numbers have the smallest hashes; or all.

    Rows are numbered over all files. They are kept as text, so memory is bounded without knowing how many rows there are. They are never
    more than `most`, and fewer if the first rows of a text file are much shorter than the others.

    Raises
    ------
    DataError
        See `read_table`.
    """
    others = None if watcher is None else _OtherRows(watcher, writing)
    kept = KeptRows[ReadRows | KeptRowsOfBlock](1, most, chosen_rows, None if others is None else others.add)
    first: TableFile | None = None
    n_rows = n_blank = 0
    sizes, n_bytes = [], [path.stat().st_size for path in paths]
    for number, path in enumerate(paths):
        sizes.append(-n_rows)
        with opened_file(path, writing) as file:
            first = first or file
            for columns, numbers in file.blocks(rows_at_once(len(file.names), BLOCK_ROWS, of=PIECE_CELLS)):
                own = np.arange(n_rows, n_rows + len(numbers))
                share = (sum(n_bytes[:number]) + file.share_read * n_bytes[number]) / max(1, sum(n_bytes))
                places = row_numbers(numbers) if len(paths) == 1 else own + 1
                kept.add(ReadRows(columns, places, own), row_hashes(own, seed), np.ones((1, len(own)), bool), share)
                n_rows += len(numbers)
                if others is not None:
                    others.pass_on(first, kept, round(n_rows / share) if share else n_rows)
            n_blank += file.n_blank
        sizes[-1] += n_rows
    assert first is not None, "there is a file"
    kept.finish()
    if others is not None:
        others.pass_on(first, kept, n_rows, is_last=True)
    table, taken = _gathered(first, kept, writing)
    share = 1.0 if n_rows <= most else float(row_hashes(taken, seed).max() / 2.0**64)
    return SomeRows(table if len(paths) == 1 else replace(table, unit="row", n_blank=n_blank), taken, sizes, share)


#: Rows of blocks of a file, and the cells of rows, their places and their numbers.
_Kept = KeptRows[ReadRows | KeptRowsOfBlock]
_Waiting = tuple[Sequence[Cells], NDArray[np.int64], NDArray[np.int64]]


def _gathered(file: TableFile, kept: _Kept, writing: Writing) -> tuple[Table, NDArray[np.int64]]:
    """The rows kept, as a table, and their numbers. The kept rows are freed."""
    places = kept.places(0)
    rows, taken = _Rows(file), []
    for block in kept.chosen(places, frees=True):
        rows.add(block.columns, block.places, (rows.n + len(block.numbers)) / max(1, len(places)))
        taken.append(block.numbers)
    return rows.table(_decimal_comma(file, writing)), np.concatenate(taken)


class _OtherRows:
    """The rows that are not kept, on their way to a watcher in large blocks."""

    def __init__(self, watcher: RowWatcher, writing: Writing) -> None:
        self._watcher, self._writing = watcher, writing
        self._waiting: list[_Waiting] = []
        self._n_waiting = 0
        self._decimal_comma: bool | None = None
        self._has_begun = False

    def add(self, block: ReadRows | KeptRowsOfBlock, rows: NDArray[np.int64]) -> None:
        """Take some rows of a block."""
        if not self._watcher.has_failed:
            self._waiting.append(([cells[rows] for cells in block.columns], block.places[rows], block.numbers[rows]))
            self._n_waiting += len(rows)

    def _begin(self, file: TableFile, kept: _Kept, waiting: Sequence[_Waiting], n_rows: int) -> None:
        """Show a sample of the rows so far, which are kept or waiting."""
        rows = _Rows(file)
        for block in kept.blocks:
            rows.add(block.columns, block.places)
            if rows.n >= SHOWN:
                break
        for columns, places, _ in waiting:
            if rows.n >= SHOWN:
                break
            rows.add(columns, places)
        sample = rows.table(_decimal_comma(file, self._writing))
        self._decimal_comma = sample.decimal_comma
        self._watcher.begin(sample, n_rows)

    def pass_on(self, file: TableFile, kept: _Kept, n_rows: int, *, is_last: bool = False) -> None:
        """Pass on what waits, if it is enough or the last. There are about `n_rows` rows in all."""
        at_once = rows_at_once(len(file.names), BLOCK_ROWS, of=BLOCK_CELLS)
        if self._n_waiting < (1 if is_last else at_once):
            return
        waiting, self._waiting, self._n_waiting = self._waiting, [], 0
        if not self._has_begun:
            self._has_begun = True
            self._begin(file, kept, waiting, n_rows)
        waiting.reverse()
        while waiting and not self._watcher.has_failed:
            rows, taken = _Rows(file), []
            while waiting and rows.n < at_once:
                columns, places, numbers = waiting.pop()
                rows.add(columns, places)
                taken.append(numbers)
            try:
                table = rows.table(self._decimal_comma)
            except DataError:  # all rows tell how the file writes numbers
                self._watcher.has_failed = True
            else:
                self._watcher.add(table, np.concatenate(taken))


class _Rows:
    """Collect rows of a file, and make a table of them."""

    def __init__(self, file: TableFile) -> None:
        self.file, self.n = file, 0
        n_columns = len(file.given_names)
        self._columns = [Gatherer(n_columns) for _ in range(n_columns)]
        self._numbers: list[NDArray[np.int64]] = []

    def add(self, columns: Sequence[Cells], numbers: Sequence[int] | NDArray[np.int64], share: float = 1.0) -> None:
        """Add the next rows. `share` is the fraction of the file that is read then."""
        for gatherer, cells in zip(self._columns, columns, strict=True):
            gatherer.add(cells, share)
        self._numbers.append(row_numbers(numbers))
        self.n += len(numbers)

    def table(self, decimal_comma: bool | None) -> Table:
        columns: list[Column] = []
        self._columns.reverse()
        while self._columns:  # one by one, so that only one column exists twice
            columns.append(self._columns.pop().gathered())
        return _table(self.file, columns, np.concatenate(self._numbers), decimal_comma)


def _decimal_comma(file: TableFile, writing: Writing) -> bool | None:
    if not file.delimiter:
        return False
    return True if writing.decimal_comma is None and writing.like_decimal_comma else writing.decimal_comma


@contextmanager
def opened_file(path: str | Path, writing: Writing) -> Iterator[TableFile]:
    """Open a file, and read and check its column names."""
    source = source_name(path)
    with opened(path) as binary:
        file = _reader(binary, path, source, writing)
        with closing(file):
            file.check()
            yield file


def _reader(packed: io.BufferedReader, path: str | Path, source: str, writing: Writing) -> TableFile:
    binary = unpacked(packed, source)
    head = binary.peek(HEAD)[:HEAD]
    for typed in _TYPED:
        if _begins(head, typed.first_bytes):
            if binary is not packed:
                raise DataError(f"{source} is a compressed {typed.kind} file, which must be read from its end; unpack it first")
            if writing.separator is not None or writing.decimal_comma is not None:
                raise DataError(f"{source} is a {typed.kind} file, whose columns have types; leave --separator and --decimal out")
            return typed(binary, source)
    for typed in _TYPED:
        if head and (what := typed.suffixes.get(Path(path).suffix.lower())):
            raise DataError(f"{path} is not a {what} file, although its name says so; if it is CSV, call it .csv")
    return CsvFile(TextLines(binary, source), source, header=writing.header, separator=writing.separator, preferred=writing.like_separator)


def _begins(head: bytes, mark: bytes) -> bool:
    """Whether these are the first bytes of a kind of file, and not of a text that begins with the same letters, such as ``PAR1,PAR2``."""
    following = head[len(mark) :][:1]
    return head.startswith(mark) and not (following.isalnum() or (following and following in b"\t\n\r \"',-.;_|"))


def _table(file: TableFile, columns: list[Column], numbers: NDArray[np.int64], decimal_comma: bool | None) -> Table:
    names, thousands = file.names, ""
    if decimal_comma is None:
        decimal_comma = file.delimiter != "," and any(has_commas(column, file.usual_missing) for column in columns)
    if decimal_comma:
        for name, cells in zip(names, columns, strict=True):
            if (found := decimal_point(present_texts(cells, file.usual_missing) if may_hold(cells, ".") else ())) is not None:
                raise DataError(
                    f"{file.source}: column {name!r} holds {found!r}, with a decimal point, but the file has decimal commas, where a point "
                    "separates thousands; write all numbers in one form, or add --decimal ."
                )
        with_points = (cells for cells in columns if may_hold(cells, "."))
        thousands = next((text for cells in with_points for text in present_texts(cells) if has_thousands(text)), "")
        columns = list(map(with_points_for_commas, columns))
    return Table(
        file.source,
        names,
        columns,
        numbers,
        file.has_header,
        file.delimiter,
        decimal_comma,
        file.unit,
        file.kind,
        file.usual_missing,
        file.n_blank,
        frozenset(names[i] for i in file.indexes),
        {names[i]: what for i, what in file.unreadable.items()},
        thousands=thousands,
    )

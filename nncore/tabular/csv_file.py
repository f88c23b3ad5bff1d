"""Read CSV files row by row, with line numbers in error messages."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain, islice

from nncore.errors import DataError
from nncore.tabular.cells import Cells
from nncore.tabular.dialect import SEPARATOR_NAMES, find_separator, first_row_is_header, parse, sample
from nncore.tabular.missing import USUAL
from nncore.tabular.plain_csv import can_be_plain, read_plain
from nncore.tabular.source import TextLines
from nncore.tabular.table_file import Block, TableFile

#: A row and the line on which it ends.
_Numbered = tuple[int, list[str]]

#: Largest number of characters of a cell; Python's default limit is 131,072.
MOST_CHARACTERS = 2**24


class CsvFile(TableFile):
    """The rows of a CSV file: one for each line with cells.

    Empty lines are skipped and counted. In a file with a single column, an empty line is a row unless it is at the end.

    Lines that the `csv` module accepts in any case are split many at a time (`read_plain`).

    Parameters
    ----------
    lines : TextLines
    source : str
        Name of the file in messages.
    header : bool or None
        Whether the first line names the columns. None: detect it.
    separator : str or None
        None: detect it.
    preferred : str
        Separator to prefer if several fit equally well.

    Raises
    ------
    DataError
        Here and in `rows`: if there are no rows, rows differ in length, a quote is not closed, or the separator is ambiguous.
    """

    kind = "CSV"
    unit = "line"
    usual_missing = USUAL

    def __init__(self, lines: TextLines, source: str, *, header: bool | None, separator: str | None, preferred: str = "") -> None:
        self.source, self._lines = source, lines
        head = sample(lines)
        self.delimiter = find_separator(head, source, preferred) if separator is None else separator
        self._n_head, self._n_read, self._n_at_once = len(head), 0, 0
        self._waiting: list[int] = []
        self._may_be_plain = can_be_plain(self.delimiter)
        self._rows = self._parsed(chain(head, lines))
        try:
            self._begin(head, header)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._rows.close()

    def _begin(self, head: list[str], header: bool | None) -> None:
        """Read the first lines, which determine the columns."""
        source, rows = self.source, self._rows
        start = next(rows, None)
        while start is not None and self._is_blank(start[1]):
            self.n_blank += 1
            start = next(rows, None)
        if start is None:
            raise DataError(f"{source} is empty")
        width = len(start[1])
        filled = self._filled(rows, width)
        first = [start]
        while self._n_read < self._n_head and (row := next(filled, None)) is not None:
            first.append(row)
        cells = [row for _, row in first]
        self.has_header = first_row_is_header(cells, self.delimiter) if header is None else header
        if width == 1 and cells[0][0].startswith("#") and any(len(row) > 1 for row in cells):
            raise DataError(f"{source}, line {start[0]}: {cells[0][0]!r} is a comment, not a row; delete it and all others")
        self.given_names = list(cells[0]) if self.has_header else [f"c{i}" for i in range(1, width + 1)]
        self.indexes = frozenset(i for i, name in enumerate(self.given_names) if not (name or "").strip())
        self._first, self._filled_rows = first[1 if self.has_header else 0 :], filled
        # Split their lines again if each is a row: that is faster than making cells from Python strings.
        n = len(self._first)
        ends = [number for number, _ in first]
        is_line_each = ends == list(range(len(head) - len(first) + 1, len(head) + 1)) and (self.has_header or ends[0] == 1)
        self._head = head[len(head) - n :] if n and is_line_each and self._may_be_plain else []

    def rows(self, n_rows: int) -> Iterator[Block]:
        first, self._first = self._first, []
        if self._head and (columns := read_plain("".join(self._head).encode(), self.delimiter, len(self.given_names))) is not None:
            yield columns, [number for number, _ in first]
            first = []
        for start in range(0, len(first), n_rows):
            yield from self._checked(first[start : start + n_rows])
        while True:
            if self._is_between_pieces:
                yield from self._at_once()
            rows = islice(self._filled_rows, n_rows)
            block = list(self._until_piece(rows) if self._may_be_plain else rows)
            if not block:
                return
            yield from self._checked(block)

    def _checked(self, rows: list[_Numbered]) -> Iterator[Block]:
        """The rows as blocks. Raises an error at the first row of another length."""
        width = len(self.given_names)
        n_right = next((i for i, (_, row) in enumerate(rows) if len(row) != width), len(rows))
        if n_right:
            yield self._block(rows[:n_right])
        if n_right < len(rows):
            raise self._of_another_length(*rows[n_right])

    @staticmethod
    def _block(rows: list[_Numbered]) -> Block:
        return list(map(Cells.of, zip(*(row for _, row in rows), strict=True))), [number for number, _ in rows]

    @property
    def share_read(self) -> float:
        return self._lines.share_read

    def _until_piece(self, rows: Iterator[_Numbered]) -> Iterator[_Numbered]:
        for row in rows:
            yield row
            if self._is_between_pieces:
                return

    @property
    def _is_between_pieces(self) -> bool:
        """Whether the next line can begin a piece that is read at once: a row has ended, and no line before it is waiting."""
        return self._may_be_plain and self._lines.has_many and self._n_read >= self._n_head and not self._waiting

    def _at_once(self) -> Iterator[Block]:
        """Rows while they are plain."""
        width = len(self.given_names)
        while lines := self._lines.at_once():
            columns = read_plain(lines, self.delimiter, width) if len(lines) <= MOST_CHARACTERS else None
            if columns is None:
                self._lines.give_back(lines)
                return
            n, before = len(columns[0]), self._n_read + self._n_at_once
            self._n_at_once += n
            yield columns, range(before + 1, before + n + 1)

    def _of_another_length(self, number: int, row: list[str]) -> DataError:
        above = "the header" if self.has_header else "the first row"
        remedy = "a value with the separator in it needs quotes"
        if row[0].lstrip().startswith("#"):
            remedy = "if it is a comment, delete it and all others"
        elif self.delimiter in SEPARATOR_NAMES:
            remedy += f", and --separator sets another separator than {SEPARATOR_NAMES[self.delimiter]}"
        what = f"has {len(row)} values where {above} has {len(self.given_names)}"
        return DataError(f"{self.source}, line {number} {what}; {remedy}")

    @staticmethod
    def _is_blank(row: list[str]) -> bool:
        return not row or (len(row) == 1 and not row[0].strip())

    def _filled(self, rows: Iterator[_Numbered], width: int) -> Iterator[_Numbered]:
        """Rows without empty lines, which are counted."""
        if width > 1:
            for numbered in rows:
                row = numbered[1]
                if len(row) > 1 or not self._is_blank(row):
                    yield numbered
                else:
                    self.n_blank += 1
            return
        waiting = self._waiting
        for numbered in rows:
            if numbered[1]:  # also `""`, an explicit empty cell
                yield from ((line, [""]) for line in waiting)
                waiting.clear()
                yield numbered
            else:
                waiting.append(numbered[0])
        self.n_blank += len(waiting)

    def _parsed(self, lines: Iterator[str]) -> Generator[_Numbered]:
        start = 1
        with _long_cells():
            reader = parse(lines, self.delimiter)
            try:
                for row in reader:
                    self._n_read = reader.line_num
                    yield self._n_read + self._n_at_once, row
                    start = self._n_read + self._n_at_once + 1
            except csv.Error as error:
                what = f"a cell of more than {MOST_CHARACTERS} characters" if "field limit" in str(error) else str(error)
                raise DataError(f"{self.source}, line {start}: {what}; check for a quote that is not closed") from error


#: Python's limit for a cell, which is global to the process, before each of the open files changed it.
_limits: list[int] = []


@contextmanager
def _long_cells() -> Iterator[None]:
    """Raise the limit for cells, until the last of the open files is closed."""
    _limits.append(csv.field_size_limit())
    csv.field_size_limit(max(_limits[0], MOST_CHARACTERS))
    try:
        yield
    finally:
        first = _limits[0]
        _limits.pop()
        if not _limits:
            csv.field_size_limit(first)

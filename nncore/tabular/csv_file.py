"""A CSV file row by row, with the line number in every complaint."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from nncore.errors import DataError
from nncore.tabular.dialect import SAMPLE, first_row_is_header, parse, sniff_delimiter

#: A row and the line on which it ends.
_Numbered = tuple[int, list[str]]


class CsvFile:
    """Rows of text, read as they are asked for.

    Parameters
    ----------
    lines : iterator of str
        With their ends.
    source : str
        The file, for messages.
    header : bool or None
        Whether the first line names the columns; None looks.

    Attributes
    ----------
    names : list of str
    has_header : bool
    delimiter : str
    unit : str
        What the numbers of rows count.

    Raises
    ------
    DataError
        Here and in `blocks`: no rows, rows of different lengths, two columns of one name, a quote that is not closed.
    """

    unit = "line"

    def __init__(self, lines: Iterator[str], source: str, header: bool | None) -> None:
        self.source = source
        head = list(islice(lines, SAMPLE))
        self.delimiter = sniff_delimiter(head)
        self._rows = self._parsed(chain(head, lines))
        first = list(islice(self._rows, SAMPLE))
        if not first:
            raise DataError(f"{source} is empty")
        rows = [row for _, row in first]
        self.has_header = first_row_is_header(rows, self.delimiter) if header is None else header
        if self.has_header:
            self.names = _names(source, rows[0])
            if len(rows) == 1:
                raise DataError(f"{source} has a line of column names and no rows; if that line is data, say --no-header")
        else:
            self.names = [f"c{i}" for i in range(1, len(rows[0]) + 1)]
        self._rows = chain(first[1 if self.has_header else 0 :], self._rows)

    def blocks(self, n_rows: int) -> Iterator[tuple[Sequence[Sequence[str | None]], Sequence[int]]]:
        """Columns of cells, and the line on which each row ends, for at most `n_rows` rows at a time."""
        while block := list(islice(self._rows, n_rows)):
            for number, row in block:
                if len(row) != len(self.names):
                    above = "the header" if self.has_header else "the first row"
                    raise DataError(
                        f"{self.source}, line {number} has {len(row)} values where {above} has {len(self.names)}; a value holding the "
                        "separator needs quotes"
                    )
            columns = [list(column) for column in zip(*(row for _, row in block), strict=True)]
            yield columns, [number for number, _ in block]

    def _parsed(self, lines: Iterator[str]) -> Iterator[_Numbered]:
        """Rows that are not empty."""
        reader = parse(lines, self.delimiter)
        start = 1
        try:
            for row in reader:
                if row and (len(row) > 1 or row[0].strip()):
                    yield reader.line_num, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{self.source}, line {start}: {error}; look for a quote that is not closed") from error


def _names(source: str, row: list[str]) -> list[str]:
    """Column names; a nameless column, as pandas writes its index, gets its number."""
    names = [cell.strip() or f"c{i}" for i, cell in enumerate(row, start=1)]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        places = [i for i, other in enumerate(names, start=1) if other == name]
        raise DataError(f"{source} has {count} columns named {name!r} (number {', '.join(map(str, places))}); rename all but one")
    return names

"""How a CSV file is written: its separator, and whether its first line names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nncore.tabular.values import as_number, clean, with_point

if TYPE_CHECKING:
    from _csv import Reader

#: Separators understood, the commonest first.
DELIMITERS = (",", ";", "\t", "|")

#: Rows that are looked at.
SAMPLE = 200


def parse(lines: Iterable[str], delimiter: str) -> Reader:
    """Rows of cells; spaces after a separator do not count, and a quote that never closes raises `csv.Error`."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def sniff_delimiter(lines: Sequence[str]) -> str:
    """The separator that cuts the first lines into most columns, preferring one that gives every row as many."""

    def quality(delimiter: str) -> tuple[bool, int]:
        widths: list[int] = []
        try:
            for row in parse(lines, delimiter):
                if row:
                    widths.append(len(row))
        except csv.Error:  # also a quoted cell that the sample cuts in two
            pass
        widest = max(widths, default=1)
        return widest > 1 and len(set(widths)) == 1, widest

    return max(DELIMITERS, key=quality)


def first_row_is_header(rows: Sequence[Sequence[str]], delimiter: str = ",") -> bool:
    """Whether the first row names the columns.

    It does not if it holds a number. It does if a column of numbers stands below it, or, where everything is text, if its
    cells are distinct and none occurs again in its own column. Where the comma is no separator, 1,5 is a number too.
    """

    def is_number(cell: str) -> bool:
        return as_number(cell if delimiter == "," else with_point(cell)) is not None

    first = [clean(cell) for cell in rows[0]]
    below = [[clean(row[i]) for row in rows[1:] if i < len(row)] for i in range(len(first))]
    if any(cell is not None and is_number(cell) for cell in first):
        return False
    for column in below:
        present = [cell for cell in column if cell is not None]
        if present and all(map(is_number, present)):
            return True
    is_distinct = len(set(first)) == len(first)
    return is_distinct and not any(cell in column for cell, column in zip(first, below, strict=True))

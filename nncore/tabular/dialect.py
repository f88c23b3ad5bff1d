"""Detect the separator of a CSV file, and whether its first line names the columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from nncore.errors import DataError
from nncore.tabular.missing import USUAL
from nncore.tabular.values import as_number, number_hint, with_point

if TYPE_CHECKING:
    from _csv import Reader

#: Separators to try, the most common first. Consecutive blanks are one separator.
SEPARATORS = (",", ";", "\t", "|", " ")

#: Names of the separators in messages.
SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}

#: Number of lines in a sample, and of characters; fewer lines if they are long.
SAMPLE = 200
SAMPLE_CHARACTERS = 200_000
FEWEST = 8

_QUOTED_OR_BLANKS = re.compile(r'("(?:[^"]|"")*")| +')


def sample(lines: Iterator[str]) -> list[str]:
    """The first lines of a file."""
    found: list[str] = []
    n_characters = 0
    for line in lines:
        found.append(line)
        n_characters += len(line)
        if len(found) >= (SAMPLE if n_characters < SAMPLE_CHARACTERS else FEWEST):
            break
    return found


def parse(lines: Iterable[str], separator: str) -> Reader:
    """Split lines into rows of cells. Spaces after a separator are ignored. An unclosed quote raises `csv.Error`."""
    if separator == " ":
        return csv.reader(_with_single_blanks(lines), delimiter=" ", strict=True)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def _with_single_blanks(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield _QUOTED_OR_BLANKS.sub(lambda found: found[1] or " ", line.strip(" ")).replace(" \n", "\n").replace(" \r", "\r")


def find_separator(lines: Sequence[str], source: str = "", preferred: str = "") -> str:
    """Detect the separator: it gives all lines the same number of cells, and the most columns of numbers.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file.
    source : str
        Name of the file in messages.
    preferred : str
        Separator to prefer if several fit equally well: that of the training file.

    Returns
    -------
    str
        A comma if there is one column.

    Raises
    ------
    DataError
        If two separators fit equally well. The message shows both readings.
    """
    readings = [_Reading(lines, separator) for separator in dict.fromkeys([*filter(None, [preferred]), *SEPARATORS])]
    cutting = [reading for reading in readings if reading.is_possible]
    if not cutting:
        return ","
    if len(cutting) == 1:
        return cutting[0].separator
    best = max(reading.quality for reading in cutting)
    found = [reading for reading in cutting if reading.quality == best]
    if len(found) == 1 or found[0].separator == preferred:
        return found[0].separator
    one, other = found[:2]
    raise DataError(
        f"{source} can be read in two ways: with {one.name}, {one.width} columns ({one.example}), or with {other.name}, "
        f"{other.width} columns ({other.example}); add --separator '{one.separator}' or --separator '{other.separator}'"
    )


class _Reading:
    """Some lines, split by one separator.

    Attributes
    ----------
    width : int
        Number of cells of most rows.
    share : float
        Fraction of the rows with `width` cells; 0 if that is one cell.
    numbers : float
        Fraction of the columns that contain only numbers below the first row.
    is_explained : bool
        Whether no other separator remains in a text column.
    """

    def __init__(self, lines: Sequence[str], separator: str) -> None:
        self.separator = separator
        self.name = SEPARATOR_NAMES.get(separator, repr(separator))
        rows: list[list[str]] = []
        with suppress(csv.Error):  # also for a quoted cell that the sample cuts off
            rows += (row for row in parse(lines, separator) if any(row))
        self.width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
        self.share = count / len(rows) if self.width > 1 else 0.0
        whole = [row for row in rows if len(row) == self.width]
        self._columns = list(zip(*(whole[1:] or whole), strict=True)) if self.share else []
        self.example = ", ".join(map(repr, rows[0][:4])) + (", …" if self.width > 4 else "") if rows else ""

    @cached_property
    def _numeric(self) -> list[bool]:
        return list(map(self._is_numeric, self._columns))

    @property
    def numbers(self) -> float:
        return sum(self._numeric) / self.width

    @property
    def is_explained(self) -> bool:
        return all(is_numeric or self._is_plain(column) for is_numeric, column in zip(self._numeric, self._columns, strict=True))

    @property
    def is_possible(self) -> bool:
        """Whether the separator is possible. Blanks also occur in text, so they must split every row, and into numbers."""
        return self.share >= 0.5 if self.separator != " " else self.share == 1 and self.numbers >= 0.5

    @property
    def quality(self) -> tuple[float, float, bool]:
        return self.share, self.numbers, self.is_explained

    def _is_plain(self, column: Sequence[str]) -> bool:
        return not any(other in cell for cell in column for other in SEPARATORS[:-1] if other != self.separator)

    def _is_numeric(self, column: Sequence[str]) -> bool:
        present = {cell.strip() for cell in column if not _says_nothing(cell)}
        return bool(present) and all(looks_numeric(cell, self.separator) for cell in present)


def looks_numeric(cell: str, separator: str) -> bool:
    """Whether a cell is a number, possibly with thousands separators or a unit; with a decimal comma unless the comma is the separator."""
    return is_number(cell, separator) or bool(number_hint([cell]))


def is_number(cell: str, separator: str) -> bool:
    """Whether a cell is a number. 1,5 is one unless the comma is the separator."""
    return as_number(cell if separator == "," else with_point(cell)) is not None


def _says_nothing(cell: str) -> bool:
    text = cell.strip()
    return not text or text.lower() in USUAL


def first_row_is_header(rows: Sequence[Sequence[str]], separator: str = ",") -> bool:
    """Whether the first row names the columns.

    It does not if it contains a number. It does if a column of numbers is below it. If everything is text, it does if its cells are
    distinct and none occurs again in its own column.
    """

    def cleaned(cell: str) -> str | None:
        return None if _says_nothing(cell) else cell.strip()

    def numeric(cell: str) -> bool:
        return is_number(cell, separator)

    def below(i: int) -> set[str | None]:
        return {cleaned(row[i]) for row in rows[1:] if i < len(row)}

    first = [cleaned(cell) for cell in rows[0]]
    if any(cell is not None and numeric(cell) for cell in first):
        return False
    for i in range(len(first)):
        present = below(i) - {None}
        if present and all(numeric(cell) for cell in present if cell is not None):
            return True
    is_distinct = len(set(first)) == len(first)
    return is_distinct and not any(cell in below(i) for i, cell in enumerate(first))

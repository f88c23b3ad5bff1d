"""A table as it was read: named columns of text."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nncore.arguments import listed
from nncore.errors import DataError


@dataclass(frozen=True)
class Table:
    """Columns of text; a missing cell is None.

    Attributes
    ----------
    source : str
        The file, for messages.
    names : list of str
        Distinct column names; ``c1`` to ``cn`` if the file has no header.
    columns : list of list of (str or None)
        One list a column, all of length `n_rows`.
    lines : sequence of int
        Line of the file on which each row ends, or its number in a file that has no lines; for messages.
    has_header : bool
    delimiter : str
        Empty for a file of another kind than CSV.
    decimal_comma : bool
        Whether the file writes 1,5 for 1.5; the cells have a point then.
    missing : tuple of str
        What the user said stands for a missing value; the cells are None then.
    unit : {"line", "row"}
        What `lines` counts.
    """

    source: str
    names: list[str]
    columns: list[list[str | None]]
    lines: Sequence[int]
    has_header: bool
    delimiter: str
    decimal_comma: bool = False
    missing: tuple[str, ...] = ()
    unit: str = "line"

    @property
    def n_rows(self) -> int:
        return len(self.lines)

    def place(self, row: int) -> str:
        """Where a row stands in the file: ``"line 7"``."""
        return f"{self.unit} {self.lines[row]}"

    def column(self, name: str) -> list[str | None]:
        """The cells of one column. Raises `DataError`, with near names, if there is none of that name."""
        if name in self.names:
            return self.columns[self.names.index(name)]
        near, known = difflib.get_close_matches(name, self.names, n=3), listed(list(map(repr, self.names)), most=20)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {known}"
        if not self.has_header:
            hint = f"its first line is taken for data and the columns are called {known}; if it holds names, say --header"
        raise DataError(f"{self.source} has no column {name!r}; {hint}")

    def rename(self, names: Sequence[str]) -> Table:
        """The same cells under other column names."""
        return replace(self, names=list(names))

    def select_rows(self, rows: Sequence[int]) -> Table:
        """The given rows, in the given order."""
        columns = [[column[row] for row in rows] for column in self.columns]
        return replace(self, columns=columns, lines=[self.lines[row] for row in rows])

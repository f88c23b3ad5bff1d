"""Tables as read from files: named columns of text."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import listed
from nncore.errors import DataError
from nncore.tabular.column import Column, as_column


@dataclass(frozen=True)
class Table:
    """Named columns of text; a missing cell is None.

    Attributes
    ----------
    source : str
        Name of the file in messages.
    names : list of str
        Distinct column names; ``c1`` to ``cn`` if the file has no header.
    columns : list of Column
        Columns of length `n_rows`. The constructor also accepts lists of (str or None).
    lines : ndarray of int64
        For messages: the line on which each row ends, or the row's number in a file without lines.
    has_header : bool
    delimiter : str
        Separator; empty for other kinds of files than CSV.
    decimal_comma : bool
        Whether the file has decimal commas. In the cells they are replaced by points.
    unit : {"line", "row"}
        What `lines` counts.
    kind : str
        Kind of file, such as ``"CSV"``.
    usual_missing : frozenset of str
        Words that mean a missing value in files of this kind, by default. They are not yet replaced.
    n_blank : int
        Number of lines without cells, which are not rows.
    indexes : frozenset of str
        Columns that pandas wrote as the index of a data frame, and columns without a name.
    unreadable : mapping of str to str
        Columns whose cells are neither numbers nor text, and what they are. Their cells are None.
    words : mapping of str to Counter
        For each column, the words that were replaced by missing values, and their counts.
    thousands : str
        A number with points as thousands separators, such as ``"1.500"`` for 1500, if there is one.
    """

    source: str
    names: list[str]
    columns: Sequence[Sequence[str | None]]
    lines: Sequence[int] | NDArray[np.int64]
    has_header: bool
    delimiter: str
    decimal_comma: bool = False
    unit: str = "line"
    kind: str = "CSV"
    usual_missing: frozenset[str] = frozenset()
    n_blank: int = 0
    indexes: frozenset[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Counter[str]] = field(default_factory=dict)
    thousands: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", list(map(as_column, self.columns)))
        object.__setattr__(self, "lines", row_numbers(self.lines))

    @property
    def n_rows(self) -> int:
        return len(self.lines)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each column, by name."""
        return {name: position for position, name in enumerate(self.names)}

    def place(self, row: int) -> str:
        """Place of a row in the file: ``"line 7"``."""
        return f"{self.unit} {self.lines[row]}"

    def column(self, name: str) -> Column:
        """The cells of one column. Raises `DataError` with similar names if there is no such column, or if it cannot be read."""
        if name in self.unreadable:
            raise DataError(f"{self.source}: column {name!r} holds {self.unreadable[name]}, not numbers or text; convert it to one of them")
        if name not in self.positions:
            raise unknown_column(self.source, self.names, name, has_header=self.has_header)
        return cast(Column, self.columns[self.positions[name]])

    def rename(self, names: Sequence[str]) -> Table:
        """Rename the columns."""
        return replace(self, names=list(names))

    def replace_column(self, name: str, cells: Sequence[str | None]) -> Table:
        """Replace the cells of one column."""
        columns = list(self.columns)
        columns[self.positions[name]] = cells
        return replace(self, columns=columns)

    def take_missing(self, words: Collection[str], names: Collection[str]) -> Table:
        """Replace `words` in the columns `names` by None, and count them in the attribute `words`."""
        columns, found = list(self.columns), dict(self.words)
        for name in names:
            if name in self.unreadable:
                continue
            columns[self.positions[name]], counts = self.column(name).without(words)
            if counts:
                found[name] = counts
        return replace(self, columns=columns, words=found)

    def select_columns(self, names: Sequence[str]) -> Table:
        """The given columns, in the given order."""
        return replace(self, names=list(names), columns=[self.columns[self.positions[name]] for name in names])

    def select_rows(self, rows: Sequence[int] | NDArray[np.int64]) -> Table:
        """The given rows, in the given order."""
        rows = row_numbers(rows)
        columns = [cast(Column, column).take(rows) for column in self.columns]
        return replace(self, columns=columns, lines=cast(NDArray[np.int64], self.lines)[rows])


def row_numbers(rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Convert row numbers to an array."""
    numbers: NDArray[np.int64] = np.arange(rows.start, rows.stop, rows.step) if isinstance(rows, range) else np.asarray(rows, np.int64)
    return numbers


def unknown_column(source: str, names: Sequence[str], name: str, *, has_header: bool) -> DataError:
    """The error for a column that does not exist, with similar names."""
    near, known = difflib.get_close_matches(name, names, n=3), listed(list(map(repr, names)), most=20)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {known}"
    if not has_header:
        hint = f"its first line is read as data, so the columns are named {known}; if it holds names, add --header"
    return DataError(f"{source} has no column {name!r}; {hint}")

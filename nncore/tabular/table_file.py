"""What every reader of a kind of file is, and what is checked of every file whoever reads it."""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from nncore.errors import DataError
from nncore.tabular.cells import Cells

#: Columns of cells, and where each row stands.
Block = tuple[Sequence[Cells], Sequence[int]]

#: More columns than these are a table on its side, or one that is none.
MOST_COLUMNS = 1_000_000


class TableFile(abc.ABC):
    """Rows of text, read as they are asked for.

    A reader opens the file in `__init__`, finds out `given_names`, and says nothing about them: `CHECKS` do.

    Attributes
    ----------
    kind : str
        What the file is, for messages.
    unit : str
        What the numbers of rows count.
    usual_missing : frozenset of str
        Words that stand for a missing value in such files.
    source : str
        The file, for messages.
    given_names : sequence of (str or None)
        As they are written.
    has_header : bool
        Whether the file names its columns.
    delimiter : str
        Empty: there is none.
    n_blank : int
        Lines without a cell, of what was read.
    indexes : frozenset of int
        Numbers of the columns that pandas wrote as the index of a frame, from 0.
    unreadable : mapping of int to str
        Numbers of columns whose cells are neither numbers nor text, and what they are.
    """

    kind: ClassVar[str]
    unit: ClassVar[str] = "row"
    usual_missing: ClassVar[frozenset[str]] = frozenset()

    source: str
    given_names: Sequence[str | None]
    has_header: bool = True
    delimiter: str = ""
    n_blank: int = 0
    indexes: frozenset[int] = frozenset()
    unreadable: Mapping[int, str] = {}

    @abc.abstractmethod
    def rows(self, n_rows: int) -> Iterator[Block]:
        """Columns of cells, and the number of each row, for some rows at a time.

        Cells that were Python's objects come from at most `n_rows` rows.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to do
        """Read no more; what was opened is closed by whoever opened it."""

    @property
    def n_rows(self) -> int | None:
        """How many rows there are, where the file says so before they are read."""
        return None

    @property
    def groups(self) -> list[int]:
        """How many rows each part has that can be read by itself; empty where a file is read from its front alone."""
        return []

    def read_only(self, group: int) -> None:
        """Give the rows of one of `groups` alone, under the numbers that they have in the file."""
        raise NotImplementedError

    @property
    def share_read(self) -> float:
        """What part of the file has been read, about; 1 if that is not known."""
        return 1.0

    @property
    def names(self) -> list[str]:
        """A name for every column, without blanks around it; a column without a name gets its number."""
        return [(name or "").strip() or f"c{i}" for i, name in enumerate(self.given_names, start=1)]

    def check(self) -> None:
        """Raise `DataError` for what no file may be. Nothing but the names has been read then."""
        for check in CHECKS:
            check(self.source, self.names)

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """`rows`, of which there must be some."""
        is_empty = True
        for block in self.rows(n_rows):
            is_empty = False
            yield block
        if is_empty:
            remedy = "; if that line is data, add --no-header" if self.unit == "line" else ""
            raise DataError(f"{self.source} has {'a line of ' if remedy else ''}column names and no rows{remedy}")


def some_columns(source: str, names: Sequence[str]) -> None:
    """There is a column."""
    if not names:
        raise DataError(f"{source} has no columns; there is nothing to read")


def not_too_many_columns(source: str, names: Sequence[str]) -> None:
    """Columns are fewer than `MOST_COLUMNS`."""
    if len(names) > MOST_COLUMNS:
        raise DataError(f"{source} has {len(names)} columns, more than {MOST_COLUMNS}; if these are its rows, transpose it")


def distinct_names(source: str, names: Sequence[str]) -> None:
    """No two columns have one name."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        places = [i for i, other in enumerate(names, start=1) if other == name]
        shown = ", ".join(map(str, places[:10])) + (", …" if count > 10 else "")
        raise DataError(f"{source} has {count} columns named {name!r} (number {shown}); rename all but one")


#: What is checked of the columns of every file.
CHECKS: tuple[Callable[[str, Sequence[str]], None], ...] = (some_columns, not_too_many_columns, distinct_names)

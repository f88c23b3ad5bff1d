"""Base class of readers of table files, and the checks that apply to all of them."""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from nncore.errors import DataError
from nncore.tabular.cells import Cells

#: Columns of cells, and the number of each row.
Block = tuple[Sequence[Cells], Sequence[int]]

#: Bytes of the read buffers of a text file.
BYTES_A_FILE = 6 * 2**20

#: Largest number of columns. A file with more is transposed or not a table.
MOST_COLUMNS = 1_000_000


class TableFile(abc.ABC):
    """Base class of readers: rows of text, read on demand.

    A reader opens the file and reads `given_names` in `__init__`, without checking them: `CHECKS` do that.

    Attributes
    ----------
    kind : str
        Kind of the file, for messages.
    unit : str
        What the numbers of rows count: lines or rows.
    usual_missing : frozenset of str
        Words that mean a missing value in such files.
    source : str
        Name of the file in messages.
    given_names : sequence of (str or None)
        Column names as written in the file.
    has_header : bool
        Whether the file names its columns.
    delimiter : str
        Separator; empty if there is none.
    n_blank : int
        Number of lines without cells read so far.
    indexes : frozenset of int
        Numbers, from 0, of the columns that pandas wrote as the index of a data frame.
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

        At most `n_rows` rows of cells are Python objects at a time.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to do
        """Stop reading. The caller closes the file."""

    @property
    def groups(self) -> list[int]:
        """Number of rows of each row group that can be read by itself. Empty if the file can only be read from the beginning."""
        return []

    @property
    def bytes_while_read(self) -> int:
        """Approximate memory of the reader, in bytes, beside the rows that it gives."""
        return BYTES_A_FILE

    def read_only(self, group: int) -> None:
        """Read only the rows of one of `groups`. They keep their numbers in the file."""
        raise NotImplementedError

    @property
    def share_read(self) -> float:
        """Approximate fraction of the file that has been read; 1 if unknown."""
        return 1.0

    @property
    def names(self) -> list[str]:
        """Column names without surrounding blanks. A column without a name is named by its number."""
        return [(name or "").strip() or f"c{i}" for i, name in enumerate(self.given_names, start=1)]

    def check(self) -> None:
        """Raise `DataError` if a check of `CHECKS` fails. Only the names have been read by then."""
        for check in CHECKS:
            check(self.source, self.names)

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """`rows`; raises an error if there are none."""
        is_empty = True
        for block in self.rows(n_rows):
            is_empty = False
            yield block
        if is_empty:
            remedy = "; if that line is data, add --no-header" if self.unit == "line" else ""
            raise DataError(f"{self.source} has {'a line of ' if remedy else ''}column names and no rows{remedy}")


def some_columns(source: str, names: Sequence[str]) -> None:
    """Check that there is a column."""
    if not names:
        raise DataError(f"{source} has no columns; there is nothing to read")


def not_too_many_columns(source: str, names: Sequence[str]) -> None:
    """Check that there are at most `MOST_COLUMNS` columns."""
    if len(names) > MOST_COLUMNS:
        raise DataError(f"{source} has {len(names)} columns, more than {MOST_COLUMNS}; if these are its rows, transpose it")


def distinct_names(source: str, names: Sequence[str]) -> None:
    """Check that column names are distinct."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        places = [i for i, other in enumerate(names, start=1) if other == name]
        shown = ", ".join(map(str, places[:10])) + (", …" if count > 10 else "")
        raise DataError(f"{source} has {count} columns named {name!r} (number {shown}); rename all but one")


#: Checks of the columns of every file.
CHECKS: tuple[Callable[[str, Sequence[str]], None], ...] = (some_columns, not_too_many_columns, distinct_names)

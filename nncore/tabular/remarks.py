"""What the user should know about the cells of a column, added up over the blocks of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Values named as examples.
SHOWN = 5


@dataclass(frozen=True)
class Remark:
    """Cells of one column that were not taken as they stand.

    Attributes
    ----------
    column : str
    n_rows : int
        In how many rows.
    taken_as : str
        What the network got instead.
    unseen : tuple of str
        If they are values that training did not have: the first few of the alphabet, one more than is shown. Empty: the cells
        are missing.
    """

    column: str
    n_rows: int
    taken_as: str
    unseen: tuple[str, ...] = ()

    def __add__(self, other: Remark) -> Remark:
        """The remark on the rows of both."""
        unseen = examples({*self.unseen, *other.unseen})
        return Remark(self.column, self.n_rows + other.n_rows, self.taken_as, unseen)

    def __str__(self) -> str:
        if not self.unseen:
            return f"column {self.column!r}: {self.n_rows} missing, replaced by {self.taken_as}"
        shown = ", ".join(self.unseen[:SHOWN]) + (" and others" if len(self.unseen) > SHOWN else "")
        rows = "1 row with a value" if self.n_rows == 1 else f"{self.n_rows} rows with values"
        return f"column {self.column!r}: {rows} that training did not have ({shown}), treated as {self.taken_as}"


def examples(values: Iterable[str]) -> tuple[str, ...]:
    """The first of the alphabet, of which more than `SHOWN` are never needed: blocks in any order give the same."""
    return tuple(sorted(values)[: SHOWN + 1])


def merged(remarks: Iterable[Remark]) -> list[Remark]:
    """One remark for each column and kind, in the order in which they first came up."""
    found: dict[tuple[str, bool], Remark] = {}
    for remark in remarks:
        key = remark.column, bool(remark.unseen)
        found[key] = found[key] + remark if key in found else remark
    return list(found.values())

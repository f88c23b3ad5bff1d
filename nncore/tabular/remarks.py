"""Remarks for the user about cells of a column, summed over the blocks of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Number of values shown as examples.
SHOWN = 5


@dataclass(frozen=True)
class Remark:
    """A remark on cells of one column that were replaced.

    Attributes
    ----------
    column : str
    n_rows : int
        Number of rows.
    taken_as : str
        What the network received instead.
    unseen : tuple of str
        Values unknown in training: the alphabetically first few, one more than is shown. Empty if the cells are missing.
    """

    column: str
    n_rows: int
    taken_as: str
    unseen: tuple[str, ...] = ()

    def __add__(self, other: Remark) -> Remark:
        """Sum of two remarks."""
        unseen = examples({*self.unseen, *other.unseen})
        return Remark(self.column, self.n_rows + other.n_rows, self.taken_as, unseen)

    def __str__(self) -> str:
        if not self.unseen:
            return f"column {self.column!r}: {self.n_rows} missing, replaced by {self.taken_as}"
        shown = ", ".join(self.unseen[:SHOWN]) + (" and others" if len(self.unseen) > SHOWN else "")
        rows = "1 row with a value" if self.n_rows == 1 else f"{self.n_rows} rows with values"
        return f"column {self.column!r}: {rows} that training did not have ({shown}), treated as {self.taken_as}"


def examples(values: Iterable[str]) -> tuple[str, ...]:
    """The alphabetically first values, one more than `SHOWN`. The result does not depend on the order of blocks."""
    return tuple(sorted(values)[: SHOWN + 1])


def merged(remarks: Iterable[Remark]) -> list[Remark]:
    """Merge remarks of the same column and kind, in the order of first occurrence."""
    found: dict[tuple[str, bool], Remark] = {}
    for remark in remarks:
        key = remark.column, bool(remark.unseen)
        found[key] = found[key] + remark if key in found else remark
    return list(found.values())

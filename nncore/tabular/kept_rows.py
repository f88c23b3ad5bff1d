"""Keep rows of a stream in memory: those of the smallest ranks in each of several sets of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Rows = TypeVar("Rows")

#: Rows are dropped when there are more than are wanted by this factor. If it is about known how many rows follow, so few are kept then
#: that there are too many by the second factor in the end. This number is a guess, so at least a share of those wanted is kept.
_AHEAD, _IN_THE_END, _AT_LEAST = 1.25, 1.2, 1 / 8


class KeptRows(Generic[Rows]):
    """Keeps, of each set of rows, the rows with the smallest ranks. A row may be in several sets, and is kept once.

    A rank is a hash of the row's number, so which rows are kept does not depend on blocks. Ranks are all different.

    Parameters
    ----------
    n_sets : int
    most : int
        Largest number of rows of a set.
    choose : callable
        ``choose(rows, places)`` copies the rows at these places of a block.
    dropped : callable, optional
        ``dropped(rows, places)`` is called once for each row that is not kept.
    """

    def __init__(
        self,
        n_sets: int,
        most: int,
        choose: Callable[[Rows, NDArray[np.int64]], Rows],
        dropped: Callable[[Rows, NDArray[np.int64]], None] | None = None,
    ) -> None:
        self._most, self._choose, self._dropped = most, choose, dropped
        self._limits = np.full(n_sets, 2**64 - 1, np.uint64)
        self._blocks: list[Rows] = []
        self._ranks: list[NDArray[np.uint64]] = []
        self._members: list[NDArray[np.bool_]] = []
        self._n, self._n_allowed = 0, int(_AHEAD * most)

    def add(self, rows: Rows, ranks: NDArray[np.uint64], members: NDArray[np.bool_], share: float = 1.0) -> None:
        """Add the next rows.

        Parameters
        ----------
        rows : Rows
            A block in any form that `choose` takes.
        ranks : ndarray of shape (n,), uint64
        members : ndarray of shape (n_sets, n), bool
            Whether each row is in each set.
        share : float, default 1.0
            Fraction of all rows that are added then, if it is about known. Fewer rows are copied repeatedly, and fewer than the most may be
            kept in the end.
        """
        is_kept: NDArray[np.bool_] = np.logical_or.reduce(members & (ranks <= self._limits[:, None]), axis=0)
        self._tell(rows, is_kept)
        places = np.flatnonzero(is_kept)
        if not len(places) and self._blocks:
            return
        self._append(self._choose(rows, places), ranks[places], members[:, places])
        if self._n > self._n_allowed:
            self._drop(math.ceil(self._most * min(1.0, max(_AT_LEAST, _IN_THE_END * share))))
            self._n_allowed = int(_AHEAD * max(self._n, self._most))

    def _tell(self, rows: Rows, is_kept: NDArray[np.bool_]) -> None:
        """Call `dropped` for the other rows."""
        if self._dropped is not None and not is_kept.all():
            self._dropped(rows, np.flatnonzero(~is_kept))

    def _append(self, rows: Rows, ranks: NDArray[np.uint64], members: NDArray[np.bool_]) -> None:
        self._blocks.append(rows)
        self._ranks.append(ranks)
        self._members.append(members)
        self._n += len(ranks)

    def _drop(self, most: int) -> None:
        """Drop the rows that are not among the `most` first of a set."""
        ranks, members = np.concatenate(self._ranks), np.concatenate(self._members, axis=1)
        is_kept = np.zeros(len(ranks), bool)
        for number, own in enumerate(members):
            kept = _smallest(ranks, own, most)
            is_kept[kept] = True
            if len(kept) == most:
                self._limits[number] = ranks[kept].max()
        blocks, lengths = self._blocks, [len(own) for own in self._ranks]
        self._blocks, self._ranks, self._members, self._n = [], [], [], 0
        start = 0
        for block, length in zip(blocks, lengths, strict=True):
            own = is_kept[start : start + length]
            self._tell(block, own)
            places = np.flatnonzero(own)
            if len(places) or not self._blocks:
                self._append(
                    block if len(places) == length else self._choose(block, places), ranks[start + places], members[:, start + places]
                )
            start += length

    def finish(self) -> None:
        """Drop all rows but those wanted, after the last rows were added."""
        if self._n > self._most:
            self._drop(self._most)

    @property
    def blocks(self) -> Sequence[Rows]:
        """The kept rows in order, and perhaps some more. Once there were rows, there is a block, even if it is empty."""
        return self._blocks

    def places(self, number: int, most: int | None = None) -> NDArray[np.int64]:
        """Places of the rows of a set among those of all `blocks`, ascending; of at most `most` rows of the smallest ranks.

        Parameters
        ----------
        number : int
            Number of the set.
        most : int, optional
            By default and at most that of the constructor.
        """
        if not self._blocks:
            return np.empty(0, np.int64)
        ranks, members = np.concatenate(self._ranks), np.concatenate(self._members, axis=1)
        return _smallest(ranks, members[number], self._most if most is None else min(most, self._most))

    def chosen(self, places: NDArray[np.int64], *, frees: bool = False) -> Iterator[Rows]:
        """Copies of the rows at these places, ascending: a block for each of `blocks` with such rows, or the first, without rows.

        If `frees`, blocks are dropped one by one, so that the rows and what is made of them hardly exist twice.
        """
        blocks, lengths = self._blocks if frees else list(self._blocks), [len(own) for own in self._ranks]
        blocks.reverse()
        start = 0
        for number, n in enumerate(lengths):
            own = places[np.searchsorted(places, start) : np.searchsorted(places, start + n)] - start
            start += n
            block = blocks.pop()
            if len(own) or (not number and not len(places)):
                yield self._choose(block, own)


def _smallest(ranks: NDArray[np.uint64], members: NDArray[Any], most: int) -> NDArray[np.int64]:
    """Places of at most `most` members of the smallest ranks, ascending."""
    places: NDArray[np.int64] = np.flatnonzero(members)
    if len(places) <= most:
        return places
    return np.sort(places[np.argpartition(ranks[places], most - 1)[:most]]) if most else places[:0]

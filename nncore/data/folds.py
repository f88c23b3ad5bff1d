"""Hold-out sets and cross-validation folds: random, by groups, or by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nncore.errors import DataError

#: Random number generators. In quotes, because naming them makes NumPy import them, which predictions do not need.
Random: TypeAlias = "np.random.Generator | np.random.RandomState"


@dataclass(frozen=True)
class Fold:
    """Sorted row numbers of a training set and a validation set.

    Attributes
    ----------
    train : ndarray of int64
    validation : ndarray of int64 or None
        The rows held out; None for a fit on all rows.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64] | None

    @property
    def held_out(self) -> NDArray[np.int64]:
        """The rows held out; empty for a fit on all rows."""
        return self.train[:0] if self.validation is None else self.validation


@dataclass(frozen=True)
class Splitter:
    """Split rows into training and validation sets: random, stratified, by groups, or by time. Pass at most one of `groups` and `times`.

    Attributes
    ----------
    classes : ndarray of shape (n_rows,), int64, or None
        Stratify: every part has the same class proportions, as far as groups allow.
    groups : ndarray of shape (n_rows,), int64, or None
        Keep groups whole: no group is in both training and validation rows.
    times : ndarray of shape (n_rows,), numbers, or None
        Split by time: validation rows are later than training rows. Rows of the same time stay together.
    """

    classes: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    def of(self, rows: NDArray[np.int64]) -> Self:
        """The splitter of some rows."""
        known = (self.classes, self.groups, self.times)
        return type(self)(*(None if of_all is None else of_all[rows] for of_all in known))

    @property
    def unit(self) -> str:
        """What stays in one part, for messages: "samples", "groups" or "times"."""
        return "groups" if self.groups is not None else "times" if self.times is not None else "samples"

    def n_units(self, rows: NDArray[np.int64]) -> int:
        """Number of groups, distinct times or rows."""
        keys = self.groups if self.groups is not None else self.times
        return len(rows) if keys is None else len(np.unique(keys[rows]))

    def hold_out(self, rows: NDArray[np.int64], fraction: float, random: Random) -> Fold:
        """Hold out a part of the rows: random rows, whole groups, or the latest rows.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers.
        fraction : float
            Fraction of the rows to hold out, between 0 and 1. Without groups and times, a class with one row stays in the training rows.
        random : Generator or RandomState

        Returns
        -------
        Fold
            Neither part is empty, unless `fraction` is 0 or there is only one row, group or time. Then no rows are held out.
        """
        if fraction == 0 or self.n_units(rows) < 2:
            return Fold(np.sort(rows), rows[:0])
        if self.times is not None:
            return self._latest(rows, fraction)
        classes = None if self.classes is None else self.classes[rows]
        if self.groups is not None:
            part = _deal(self.groups[rows], np.array([1 - fraction, fraction]), random, classes)
            return Fold(np.sort(rows[part == 0]), np.sort(rows[part == 1]))
        order = _mixed(len(rows), random, classes)
        n_held = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        return Fold(np.sort(rows[order[n_held:]]), np.sort(rows[order[:n_held]]))

    def folds(self, rows: NDArray[np.int64], n_folds: int, random: Random) -> list[Fold]:
        """Split rows into cross-validation folds.

        Without times, one fold holds out each row, and folds are about equally large. Groups stay whole, as in scikit-learn's
        ``StratifiedGroupKFold``. With times, each fold trains on all rows earlier than its validation rows, as in ``TimeSeriesSplit``.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers.
        n_folds : int
            Number of folds, at least 2.
        random : Generator or RandomState

        Raises
        ------
        DataError
            If there are too few rows, groups or times.
        """
        needed = n_folds + (self.times is not None)
        if (n_units := self.n_units(rows)) < needed:
            raise DataError(f"n_{self.unit}={n_units} cannot be divided into {n_folds} folds, which need {needed}: use fewer folds")
        if self.times is not None:
            return self._expanding(rows, n_folds)
        classes = None if self.classes is None else self.classes[rows]
        if self.groups is not None:
            part = _deal(self.groups[rows], np.full(n_folds, 1 / n_folds), random, classes)
        else:
            order = random.permutation(len(rows))
            if classes is not None:  # sort by class, so that dealing rows out in turn gives every part the same number
                order = order[np.argsort(classes[order], kind="stable")]
            part = np.empty(len(rows), np.int64)
            part[order] = np.arange(len(rows)) % n_folds
        return [Fold(np.sort(rows[part != number]), np.sort(rows[part == number])) for number in range(n_folds)]

    def _latest(self, rows: NDArray[np.int64], fraction: float) -> Fold:
        order, edges = self._in_time(rows)
        cut = _nearest(edges, round((1 - fraction) * len(rows)))
        return Fold(np.sort(order[:cut]), np.sort(order[cut:]))

    def _expanding(self, rows: NDArray[np.int64], n_folds: int) -> list[Fold]:
        order, edges = self._in_time(rows)
        size = len(rows) // (n_folds + 1)
        cuts = [_nearest(edges, len(rows) - left * size) for left in range(n_folds, 0, -1)]
        if len(set(cuts)) < n_folds:
            raise DataError(f"times are too uneven for {n_folds} folds: use fewer folds")
        return [Fold(np.sort(order[:start]), np.sort(order[start:stop])) for start, stop in zip(cuts, [*cuts[1:], None], strict=True)]

    def _in_time(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows sorted by time, and the positions where a new time begins, without the first."""
        assert self.times is not None, "asked for only with times"
        order = rows[np.argsort(self.times[rows], kind="stable")]
        ordered = self.times[order]
        return order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1


def _mixed(n_rows: int, random: Random, classes: np.ndarray | None) -> np.ndarray:
    """Positions in random order, shape ``(n_rows,)``. Every range of them has about the same class proportions."""
    order = random.permutation(n_rows)
    if classes is None:
        return order
    # Spread each class evenly over (0, 1); the rows below any fraction then have the same class proportions.
    position = np.empty(n_rows)
    for k in np.unique(classes):
        members = order[classes[order] == k]
        position[members] = (np.arange(len(members)) + random.random()) / len(members) if len(members) > 1 else 1.0
    return np.argsort(position, kind="stable")


def _deal(groups: np.ndarray, shares: np.ndarray, random: Random, classes: np.ndarray | None) -> np.ndarray:
    """The part of each row, shape ``(n_rows,)``: whole groups, so that parts have about these `shares` of the rows and of each class.

    The largest groups are dealt first. Each goes to the part where it raises Σ (count/total)²/share over parts and classes the least. The
    sum is smallest if every part has its share of everything.
    """
    names, member = np.unique(groups, return_inverse=True)
    of_class = np.zeros(len(groups), dtype=np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    counts = np.zeros((len(names), of_class.max() + 2))
    np.add.at(counts, (member, of_class), 1.0)
    counts[:, -1] = counts.sum(axis=1)  # the number of all rows counts like one more class
    counts /= counts.sum(axis=0)
    order = random.permutation(len(names))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    filled = np.zeros((len(shares), counts.shape[1]))
    part = np.empty(len(names), dtype=np.int64)
    is_empty = np.ones(len(shares), dtype=bool)
    for n_left, group in zip(range(len(names), 0, -1), order.tolist(), strict=True):
        rise = (2 * filled @ counts[group] + counts[group] @ counts[group]) / shares
        if n_left <= is_empty.sum():  # every remaining group is needed to fill an empty part
            rise[~is_empty] = np.inf
        chosen = int(rise.argmin())
        part[group], is_empty[chosen] = chosen, False
        filled[chosen] += counts[group]
    return part[member]


def _nearest(edges: np.ndarray, wanted: int) -> int:
    return int(edges[np.abs(edges - wanted).argmin()])

"""Which rows to hold out: at random, whole groups of them, or the latest."""

from __future__ import annotations

import numpy as np

from nncore.errors import DataError


def hold_out(
    rows: np.ndarray,
    fraction: float,
    rng: np.random.Generator,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows at random into those to learn from and those held out.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
        Row numbers.
    fraction : float
        Part to hold out, between 0 and 1.
    rng : numpy.random.Generator
    classes : ndarray of shape (n,), int64, optional
        Class of each of `rows`. If given, both parts have the classes in the same proportions, and a class of one row is
        learnt from.
    groups : ndarray of shape (n,), int64, optional
        Group of each of `rows`. If given, no group is in both parts, and `fraction` and `classes` are met as far as groups allow.

    Returns
    -------
    kept, held : ndarray, int64
        Sorted row numbers. Neither is empty if `n` (or the number of groups) is at least 2 and `fraction` above 0, as far as the classes
        allow.
    """
    if groups is not None:
        if fraction == 0 or len(np.unique(groups)) < 2:
            return np.sort(rows), rows[:0]
        part = _deal(groups, np.array([1 - fraction, fraction]), rng, classes)
        return np.sort(rows[part == 0]), np.sort(rows[part == 1])
    order = _mixed(len(rows), rng, classes)
    n_held = min(max(round(fraction * len(rows)), 1), len(rows) - 1) if fraction > 0 and len(rows) > 1 else 0
    return np.sort(rows[order[n_held:]]), np.sort(rows[order[:n_held]])


def folds(
    n_rows: int, n_folds: int, rng: np.random.Generator, classes: np.ndarray | None = None, groups: np.ndarray | None = None
) -> list[np.ndarray]:
    """Divide rows at random into parts of equal size, as far as that goes.

    Parameters
    ----------
    n_rows, n_folds : int
        At least as many rows as parts.
    rng : numpy.random.Generator
    classes : ndarray of shape (n_rows,), int64, optional
        Class of each row. If given, all parts have the classes in the same proportions.
    groups : ndarray of shape (n_rows,), int64, optional
        Group of each row. If given, every group is in one part, as in scikit-learn's ``StratifiedGroupKFold``.

    Returns
    -------
    list of ndarray, int64
        Sorted row numbers; every row is in one part.

    Raises
    ------
    DataError
        If there are fewer groups than parts.
    """
    if groups is not None:
        if (n_groups := len(np.unique(groups))) < n_folds:
            raise DataError(f"{n_folds} parts need as many groups, and there are {n_groups}; ask for fewer parts")
        part = _deal(groups, np.full(n_folds, 1 / n_folds), rng, classes)
        return [np.flatnonzero(part == k) for k in range(n_folds)]
    if classes is None:
        order = rng.permutation(n_rows)
    else:  # the rows of one class follow one another, so that dealing them out gives every part as many
        shuffled = rng.permutation(n_rows)
        order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    return [np.sort(order[k::n_folds]) for k in range(n_folds)]


def _mixed(n_rows: int, rng: np.random.Generator, classes: np.ndarray | None) -> np.ndarray:
    """Positions in a random order, shape ``(n_rows,)``, such that every stretch has the classes in proportion."""
    order = rng.permutation(n_rows)
    if classes is None:
        return order
    # Spread each class evenly over (0, 1); the rows below a fraction then hold every class in proportion.
    position = np.empty(n_rows)
    for k in np.unique(classes):
        members = order[classes[order] == k]
        position[members] = (np.arange(len(members)) + rng.random()) / len(members) if len(members) > 1 else 1.0
    return np.argsort(position, kind="stable")


def _deal(groups: np.ndarray, shares: np.ndarray, rng: np.random.Generator, classes: np.ndarray | None) -> np.ndarray:
    """The part of each row, shape ``(n_rows,)``: whole groups, so that parts have about these `shares` of the rows and of each class.

    The largest groups are dealt first, each to the part where it least raises Σ (count/total)²/share over parts and classes, which is
    least where every part has its share of all.
    """
    names, member = np.unique(groups, return_inverse=True)
    of_class = np.zeros(len(groups), dtype=np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    counts = np.zeros((len(names), of_class.max() + 2))
    np.add.at(counts, (member, of_class), 1.0)
    counts[:, -1] = counts.sum(axis=1)  # rows of whatever class count like one class more
    counts /= counts.sum(axis=0)
    order = rng.permutation(len(names))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    filled = np.zeros((len(shares), counts.shape[1]))
    part = np.empty(len(names), dtype=np.int64)
    is_empty = np.ones(len(shares), dtype=bool)
    for n_left, group in zip(range(len(names), 0, -1), order.tolist(), strict=True):
        rise = (2 * filled @ counts[group] + counts[group] @ counts[group]) / shares
        if n_left <= is_empty.sum():  # those that are left are needed so that no part stays empty
            rise[~is_empty] = np.inf
        chosen = int(rise.argmin())
        part[group], is_empty[chosen] = chosen, False
        filled[chosen] += counts[group]
    return part[member]


def hold_out_latest(rows: np.ndarray, fraction: float, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows by time: those to learn from are all earlier than those held out.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
        Row numbers.
    fraction : float
        Part to hold out, between 0 and 1; rows of one time stay together.
    times : ndarray of shape (n,)
        Time of each of `rows`.

    Returns
    -------
    kept, held : ndarray, int64
        Sorted row numbers. `held` is empty if `fraction` is 0 or all times are equal.
    """
    order = np.argsort(times, kind="stable")
    edges = _edges(times[order])
    if fraction == 0 or not len(edges):
        return np.sort(rows), rows[:0]
    cut = _nearest(edges, round((1 - fraction) * len(rows)))
    return np.sort(rows[order[:cut]]), np.sort(rows[order[cut:]])


def expanding_folds(times: np.ndarray, n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Parts of the latest rows, each with all rows that are earlier, as scikit-learn's ``TimeSeriesSplit`` makes them.

    Parameters
    ----------
    times : ndarray of shape (n_rows,)
    n_folds : int

    Returns
    -------
    list of (past, held) of ndarray, int64
        Sorted row numbers. Every part has about ``n_rows/(n_folds + 1)`` rows; rows of one time stay together.

    Raises
    ------
    DataError
        If there are too few different times.
    """
    n_rows = len(times)
    order = np.argsort(times, kind="stable")
    edges = _edges(times[order])
    size = n_rows // (n_folds + 1)
    cuts = [_nearest(edges, n_rows - left * size) for left in range(n_folds, 0, -1)] if len(edges) else []
    if len(set(cuts)) < n_folds:
        raise DataError(
            f"{n_folds} parts, each later than the rows before it, need more than {len(edges) + 1} different times; ask for fewer"
        )
    return [(np.sort(order[:start]), np.sort(order[start:stop])) for start, stop in zip(cuts, [*cuts[1:], n_rows], strict=True)]


def _edges(ordered: np.ndarray) -> np.ndarray:
    """Where another time begins, without the first."""
    return np.flatnonzero(ordered[1:] != ordered[:-1]) + 1


def _nearest(edges: np.ndarray, wanted: int) -> int:
    return int(edges[np.abs(edges - wanted).argmin()])

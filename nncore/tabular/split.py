"""Which rows to hold out."""

from __future__ import annotations

import numpy as np


def hold_out(
    rows: np.ndarray, fraction: float, rng: np.random.Generator, classes: np.ndarray | None = None
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

    Returns
    -------
    kept, held : ndarray, int64
        Sorted row numbers. Neither is empty if `n` is at least 2 and `fraction` above 0, as far as the classes allow.
    """
    order = _mixed(len(rows), rng, classes)
    n_held = min(max(round(fraction * len(rows)), 1), len(rows) - 1) if fraction > 0 and len(rows) > 1 else 0
    return np.sort(rows[order[n_held:]]), np.sort(rows[order[:n_held]])


def folds(n_rows: int, n_folds: int, rng: np.random.Generator, classes: np.ndarray | None = None) -> list[np.ndarray]:
    """Divide rows at random into parts of equal size, as far as that goes.

    Parameters
    ----------
    n_rows, n_folds : int
        At least as many rows as parts.
    rng : numpy.random.Generator
    classes : ndarray of shape (n_rows,), int64, optional
        Class of each row. If given, all parts have the classes in the same proportions.

    Returns
    -------
    list of ndarray, int64
        Sorted row numbers; every row is in one part.
    """
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

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
    order = rng.permutation(len(rows))
    if classes is not None:
        # Spread each class evenly over (0, 1); the rows below the fraction then hold every class in proportion.
        position = np.empty(len(rows))
        for k in np.unique(classes):
            members = order[classes[order] == k]
            position[members] = (np.arange(len(members)) + rng.random()) / len(members) if len(members) > 1 else 1.0
        order = np.argsort(position, kind="stable")
    n_held = min(max(round(fraction * len(rows)), 1), len(rows) - 1) if fraction > 0 and len(rows) > 1 else 0
    return np.sort(rows[order[n_held:]]), np.sort(rows[order[:n_held]])

"""Targets of survival analysis: a time, and whether it is that of an event."""

from __future__ import annotations

import numpy as np

from nncore.errors import DataError

#: Columns of a target.
N_TARGETS = 2


def check_survival(target: np.ndarray, name: str) -> None:
    """Raise `DataError` unless the first column of ``(n_samples, 2)`` targets holds times, the second 1 for an event and 0 for none."""
    negative = np.flatnonzero(target[:, 0] < 0)
    if len(negative):
        raise DataError(f"{name} is {target[negative[0], 0]:g} at row {negative[0]}, column 0: a time is at least 0")
    wrong = np.flatnonzero((target[:, 1] != 0) & (target[:, 1] != 1))
    if len(wrong):
        raise DataError(f"{name} is {target[wrong[0], 1]:g} at row {wrong[0]}, column 1: 1 is an event, 0 is censored")


def example_survival(rng: np.random.Generator, n_rows: int, latest: float) -> np.ndarray:
    """Targets with ties to test with."""
    return np.column_stack([np.ceil(8 * rng.uniform(0, 1, n_rows)) / 8 * latest, rng.integers(2, size=n_rows)]).astype(np.float64)

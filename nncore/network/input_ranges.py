"""Ranges of the inputs of layers, without outliers."""

from __future__ import annotations

import numpy as np


class InputRange:
    """Finds the range of numbers, including 0, batch by batch; a few of the largest on each side may be left out.

    Zeros do not count, since most numbers of rare features are 0. The ends are observed numbers, whatever the sizes of the batches.

    Parameters
    ----------
    n_numbers : int
        Number of all numbers to add.
    least : float
        Smallest percentile that `ends` is asked for.
    """

    def __init__(self, n_numbers: int, least: float) -> None:
        self._most = int(n_numbers * (1 - least / 100)) + 1  # of one side that decide its end
        self._counts = [0, 0]
        self._largest = [np.empty(0), np.empty(0)]
        self.is_finite = True

    def add(self, numbers: np.ndarray) -> None:
        """Look at some more numbers."""
        self.is_finite = self.is_finite and bool(np.isfinite(numbers).all())
        for side, part in enumerate((-numbers[numbers < 0], numbers[numbers > 0])):
            self._counts[side] += part.size
            both = np.concatenate([self._largest[side], part])
            self._largest[side] = both if both.size <= self._most else np.partition(both, both.size - self._most)[-self._most :]

    def ends(self, percentile: float) -> tuple[float, float]:
        """The smallest number, at most 0, and the largest, at least 0, that cover a percentage of the numbers on each side of 0."""
        low, high = (
            float(np.sort(largest)[-1 - int(count * (1 - percentile / 100))]) if count else 0.0
            for largest, count in zip(self._largest, self._counts, strict=True)
        )
        return -low, high

"""Between which numbers the inputs of a layer lie, but for few outliers."""

from __future__ import annotations

import numpy as np


class InputRange:
    """Learns from batches the range of numbers, with 0 in it; few of the largest on each side may be left out.

    Zeros do not count: of rare features, most numbers are. The ends are numbers that were seen, whatever the sizes of the batches.

    Parameters
    ----------
    n_numbers : int
        All that will be added.
    percentile : float
        So many of a hundred numbers on each side of 0 are in the range: 100 for all.
    """

    def __init__(self, n_numbers: int, percentile: float) -> None:
        self._beyond = 1 - percentile / 100
        self._most = int(n_numbers * self._beyond) + 1  # of one side that decide its end
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

    def ends(self) -> tuple[float, float]:
        """The smallest number, at most 0, and the largest, at least 0."""
        low, high = (
            float(np.sort(largest)[-1 - int(count * self._beyond)]) if count else 0.0
            for largest, count in zip(self._largest, self._counts, strict=True)
        )
        return -low, high

"""Arrays between canary bytes, to see whether a compiled kernel writes beside the buffers it is handed."""

from __future__ import annotations

import itertools

import numpy as np

MARGIN = 64  # bytes on each side: one AVX-512 vector
#: A canary of its own for each buffer, or an element copied beside the end of one would bring the canary of another along.
_CANARIES = itertools.cycle(range(1, 256))


class OutOfBounds(AssertionError):
    """A kernel wrote outside the buffers it was handed."""


class Guarded:
    """A copy of `values` with canary bytes before and after it.

    Parameters
    ----------
    values : ndarray
    name : str, default "the buffer"
        For the message when a canary is dead.
    shift : int, default 0
        How many bytes further on the array begins, to move it off a vector's boundary.

    Attributes
    ----------
    array : ndarray
        C-contiguous; what the kernel gets.
    """

    def __init__(self, values: np.ndarray, name: str = "the buffer", shift: int = 0) -> None:
        values = np.asarray(values, order="C")  # which leaves a single number without axes
        self.name = name
        self._canary = next(_CANARIES)
        self._start, self._end = MARGIN + shift, MARGIN + shift + values.nbytes
        self._bytes = np.full(self._end + MARGIN, self._canary, np.uint8)
        # Not a slice of _bytes: NumPy lets an empty one begin where the whole does.
        self.array: np.ndarray = np.ndarray(values.shape, values.dtype, self._bytes, self._start)
        self.array[...] = values

    def check(self) -> np.ndarray:
        """Assert that the canaries are alive; return the array."""
        for margin, where in ((self._bytes[: self._start], "before"), (self._bytes[self._end :], "behind")):
            if margin.tobytes() != bytes([self._canary]) * margin.size:  # faster than an array of truths, and this is called very often
                raise OutOfBounds(f"written {where} {self.name}, of shape {self.array.shape}")
        return self.array

"""Arrays between canary bytes, to detect writes of compiled kernels outside their buffers."""

from __future__ import annotations

import itertools

import numpy as np

MARGIN = 64  # bytes on each side: one AVX-512 vector
#: Each buffer has its own canary. Otherwise, an element copied past the end of a buffer could carry another buffer's canary.
_CANARIES = itertools.cycle(range(1, 256))


class OutOfBounds(AssertionError):
    """A kernel wrote outside its buffers."""


class Guarded:
    """A copy of `values` with canary bytes before and after it.

    Parameters
    ----------
    values : ndarray
    name : str, default "the buffer"
        Name in the message if a canary was overwritten.
    shift : int, default 0
        Offset of the array in bytes, to move it off a vector's boundary.

    Attributes
    ----------
    array : ndarray
        C-contiguous array for the kernel.
    """

    def __init__(self, values: np.ndarray, name: str = "the buffer", shift: int = 0) -> None:
        values = np.asarray(values, order="C")  # keeps a single number without axes
        self.name = name
        self._canary = next(_CANARIES)
        self._start, self._end = MARGIN + shift, MARGIN + shift + values.nbytes
        self._bytes = np.full(self._end + MARGIN, self._canary, np.uint8)
        # Not a slice of _bytes: an empty slice would begin at the start of the whole in NumPy.
        self.array: np.ndarray = np.ndarray(values.shape, values.dtype, self._bytes, self._start)
        self.array[...] = values

    def check(self) -> np.ndarray:
        """Assert that the canaries are intact, and return the array."""
        for margin, where in ((self._bytes[: self._start], "before"), (self._bytes[self._end :], "behind")):
            if margin.tobytes() != bytes([self._canary]) * margin.size:  # faster than a Boolean array, and called very often
                raise OutOfBounds(f"written {where} {self.name}, of shape {self.array.shape}")
        return self.array

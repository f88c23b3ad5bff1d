"""Arrays between canary bytes, to see whether a compiled kernel writes beside the buffers it is handed."""

from __future__ import annotations

import itertools

import numpy as np

from nncore.testing.expectations import expect

MARGIN = 64  # bytes on each side: one AVX-512 vector
#: A canary of its own for each buffer, or an element copied beside the end of one would bring the canary of another along.
_CANARIES = itertools.cycle(range(1, 256))


class Guarded:
    """A copy of `values` with canary bytes before and after it.

    Parameters
    ----------
    values : ndarray
    name : str, default "the buffer"
        For the message when a canary is dead.

    Attributes
    ----------
    array : ndarray
        C-contiguous, 64 bytes into its memory; what the kernel gets.
    """

    def __init__(self, values: np.ndarray, name: str = "the buffer") -> None:
        values = np.ascontiguousarray(values)
        self.name = name
        self._canary = next(_CANARIES)
        self._bytes = np.full(MARGIN + values.nbytes + MARGIN, self._canary, np.uint8)
        self.array = self._bytes[MARGIN : MARGIN + values.nbytes].view(values.dtype).reshape(values.shape)
        self.array[...] = values

    def check(self) -> np.ndarray:
        """Assert that the canaries are alive; return the array."""
        expect((self._bytes[:MARGIN] == self._canary).all(), f"written before {self.name}")
        expect((self._bytes[MARGIN + self.array.nbytes :] == self._canary).all(), f"written behind {self.name}")
        return self.array

"""Arrays between canary bytes, to see whether a compiled kernel writes beside the buffers it is handed."""

from __future__ import annotations

import itertools

import numpy as np

MARGIN = 64  # bytes on each side: one AVX-512 vector
#: A canary of its own for each buffer, or an element copied beside the end of one would bring the canary of another along.
_CANARIES = itertools.cycle(range(1, 256))


class Guarded:
    """A copy of `values` (`array`, C-contiguous, 64 bytes into its buffer) with canary bytes before and after it."""

    def __init__(self, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values)
        self._canary = next(_CANARIES)
        self._bytes = np.full(MARGIN + values.nbytes + MARGIN, self._canary, np.uint8)
        self.array = self._bytes[MARGIN : MARGIN + values.nbytes].view(values.dtype).reshape(values.shape)
        self.array[...] = values

    def check(self) -> np.ndarray:
        """Assert that the canaries are alive; return the array."""
        assert (self._bytes[:MARGIN] == self._canary).all(), "written before the buffer"
        assert (self._bytes[MARGIN + self.array.nbytes :] == self._canary).all(), "written behind the buffer"
        return self.array

"""Arrays between canary bytes, to see whether a compiled kernel writes beside the buffers it is handed."""

from __future__ import annotations

import numpy as np

CANARY = 0xA5
MARGIN = 64  # bytes on each side: one AVX-512 vector


class Guarded:
    """A copy of `values` (`array`, C-contiguous, 64 bytes into its buffer) with canary bytes before and after it."""

    def __init__(self, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values)
        self._bytes = np.full(MARGIN + values.nbytes + MARGIN, CANARY, np.uint8)
        self.array = self._bytes[MARGIN : MARGIN + values.nbytes].view(values.dtype).reshape(values.shape)
        self.array[...] = values

    def check(self) -> np.ndarray:
        """Assert that the canaries are alive; return the array."""
        assert (self._bytes[:MARGIN] == CANARY).all(), "written before the buffer"
        assert (self._bytes[MARGIN + self.array.nbytes :] == CANARY).all(), "written behind the buffer"
        return self.array

"""Where vectors lie in memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from nncore.blocks import memory_for
from nncore.contract import Buffer, Tensor

ALIGNMENT = 64  # bytes: a cache line, and the widest vector

#: What needs less memory.
REMEDY = "take a smaller batch_size, fewer or narrower layers, or dtype='float32'"

#: Vectors that are read side by side begin at different places of a page (of 4 kB): at the same place, they drive each other out of the
#: first-level cache. So many bytes lie between those places.
PAGE, STAGGER = 4096, 17 * ALIGNMENT
#: Bytes of a piece of memory that small vectors lie in together.
PIECE = PAGE - ALIGNMENT
_BYTE = np.dtype(np.uint8)
_staggers = itertools.cycle(range(0, PAGE, STAGGER))


def aligned_zeros(size: int, dtype: np.dtype, what: str = "what a network works with") -> np.ndarray:
    """A zeroed vector that begins on a cache line, each one that is larger than a page at another place of it.

    `what` it is for is told where there is no memory for it.
    """
    n_bytes = size * dtype.itemsize
    unit, place = (PAGE, next(_staggers)) if n_bytes >= PAGE else (ALIGNMENT, 0)
    try:
        raw = np.zeros(n_bytes + unit, np.uint8)
    except MemoryError:
        with memory_for(what, n_bytes, REMEDY):
            raise
    start = (place - address(raw)) % unit
    return raw[start : start + n_bytes].view(dtype)


def address(array: np.ndarray) -> int:
    """Where its numbers begin."""
    begin: int = array.__array_interface__["data"][0]  # `array.ctypes` makes two objects more
    return begin


class Arena:
    """Zeroed vectors, of which small ones lie together in few pieces of memory."""

    def __init__(self) -> None:
        self._piece, self._end = np.empty(0, np.uint8), 0

    def take(self, size: int, dtype: np.dtype) -> np.ndarray:
        """As `aligned_zeros`."""
        n_bytes = size * dtype.itemsize
        if n_bytes > PIECE:
            return aligned_zeros(size, dtype)
        start = -(-self._end // ALIGNMENT) * ALIGNMENT
        if start + n_bytes > self._piece.size:
            self._piece, start = aligned_zeros(PIECE, _BYTE), 0
        self._end = start + n_bytes
        return self._piece[start : self._end].view(dtype)


def aligned_bytes(size: int) -> np.ndarray:
    """So many bytes of anything, which take no memory before they are written, from a cache line on."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + size]


class SharedRoom:
    """Vectors in memory that each run of a program gets for as long as it lasts, so that programs that only predict hold none.

    The core moves them to where a run works (`move_to` of `runner.c`). Here they have sizes and addresses, and nothing of meaning in them.

    Parameters
    ----------
    n_bytes : int
        Of all vectors together, at most.
    n_vectors : int
        At most.
    """

    _any = np.empty(0, np.uint8)  # of all programs: nobody writes there, so that it takes no memory

    def __init__(self, n_bytes: int, n_vectors: int) -> None:
        n_bytes += n_vectors * PAGE
        if SharedRoom._any.size < n_bytes:
            SharedRoom._any = aligned_bytes(1 << (n_bytes - 1).bit_length())
        self._bytes, self._end = SharedRoom._any, 0

    def take(self, size: int, dtype: np.dtype) -> np.ndarray:
        """A vector that begins on a cache line, each one at another place of a page."""
        start = self._end + (next(_staggers) - self._end) % PAGE
        self._end = start + -(-size * dtype.itemsize // ALIGNMENT) * ALIGNMENT
        assert self._end <= self._bytes.size, "as much as was asked for"
        return self._bytes[start : self._end].view(dtype)[:size]

    @property
    def room(self) -> np.ndarray:
        """All of it that was taken."""
        return self._bytes[: self._end]


def named_views(parts: Sequence[Tensor] | Sequence[Buffer], vector: np.ndarray | None) -> dict[str, np.ndarray]:
    """Views by name of a vector that holds the parts one after the other; no vector, no parts."""
    views: dict[str, np.ndarray] = {}
    if vector is None:
        return views
    offset = 0
    for part in parts:
        numbers = vector[offset : offset + part.size]
        if isinstance(part, Buffer) and part.dtype is not None:
            numbers = numbers.view(part.dtype)[: math.prod(part.shape)]
        views[part.name] = numbers.reshape(part.shape)
        offset += part.size
    return views

"""Allocate aligned vectors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from nncore.blocks import memory_for
from nncore.contract import Buffer, Tensor

ALIGNMENT = 64  # bytes: a cache line, and the widest vector

#: Advice on using less memory.
REMEDY = "take a smaller batch_size, fewer or narrower layers, or dtype='float32'"

#: Vectors that are read together begin at different offsets in a page (4 kB). At the same offset, they would evict each other from the
#: first-level cache. This is the distance in bytes of these offsets.
PAGE, STAGGER = 4096, 17 * ALIGNMENT
#: Bytes of a block of memory that is shared by small vectors.
PIECE = PAGE - ALIGNMENT
_BYTE = np.dtype(np.uint8)
_staggers = itertools.cycle(range(0, PAGE, STAGGER))


def aligned_zeros(size: int, dtype: np.dtype, what: str = "what a network works with") -> np.ndarray:
    """Allocate a zeroed vector that begins on a cache line. Vectors larger than a page begin at different offsets in it.

    `what` it is for is named in the error if there is not enough memory.
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
    """Address of the first number."""
    begin: int = array.__array_interface__["data"][0]  # `array.ctypes` would create two more objects
    return begin


class Arena:
    """Allocates zeroed vectors. Small ones share blocks of memory."""

    def __init__(self) -> None:
        self._piece, self._end = np.empty(0, np.uint8), 0

    def take(self, size: int, dtype: np.dtype) -> np.ndarray:
        """Allocate a vector like `aligned_zeros`."""
        n_bytes = size * dtype.itemsize
        if n_bytes > PIECE:
            return aligned_zeros(size, dtype)
        start = -(-self._end // ALIGNMENT) * ALIGNMENT
        if start + n_bytes > self._piece.size:
            self._piece, start = aligned_zeros(PIECE, _BYTE), 0
        self._end = start + n_bytes
        return self._piece[start : self._end].view(dtype)


def aligned_bytes(size: int) -> np.ndarray:
    """Allocate uninitialised bytes that begin on a cache line. They take no memory until they are written."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + size]


class SharedRoom:
    """Vectors in memory that a program has only during a run, so that programs for prediction hold no memory.

    The core moves them to the memory of a run (`move_to` of `runner.c`). Here they only have sizes and addresses, and no content.

    Parameters
    ----------
    n_bytes : int
        Largest size of all vectors together.
    n_vectors : int
        Largest number of vectors.
    """

    _any = np.empty(0, np.uint8)  # shared by all programs; never written, so it takes no memory

    def __init__(self, n_bytes: int, n_vectors: int) -> None:
        n_bytes += n_vectors * PAGE
        if SharedRoom._any.size < n_bytes:
            SharedRoom._any = aligned_bytes(1 << (n_bytes - 1).bit_length())
        self._bytes, self._end = SharedRoom._any, 0

    def take(self, size: int, dtype: np.dtype) -> np.ndarray:
        """A vector that begins on a cache line, at a different offset in a page than others."""
        start = self._end + (next(_staggers) - self._end) % PAGE
        self._end = start + -(-size * dtype.itemsize // ALIGNMENT) * ALIGNMENT
        assert self._end <= self._bytes.size, "as much as was asked for"
        return self._bytes[start : self._end].view(dtype)[:size]

    @property
    def room(self) -> np.ndarray:
        """All memory that was taken."""
        return self._bytes[: self._end]


def named_views(parts: Sequence[Tensor] | Sequence[Buffer], vector: np.ndarray | None) -> dict[str, np.ndarray]:
    """Views, by name, of a vector that holds the parts one after the other. Empty without a vector."""
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

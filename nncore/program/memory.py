"""Where vectors lie in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from nncore.contract import Buffer, Tensor

ALIGNMENT = 64  # bytes: a cache line, and the widest vector

#: Vectors that are read side by side begin at different places of a page (of 4 kB): at the same place, they drive each other out of the
#: first-level cache. So many bytes lie between those places.
PAGE, STAGGER = 4096, 17 * ALIGNMENT
_staggers = itertools.cycle(range(0, PAGE, STAGGER))


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """A zeroed vector that begins on a cache line, each one at another place of a page."""
    raw = np.zeros(size * dtype.itemsize + PAGE, np.uint8)
    start = (next(_staggers) - raw.ctypes.data) % PAGE
    return raw[start : start + size * dtype.itemsize].view(dtype)


def aligned_bytes(size: int) -> np.ndarray:
    """So many bytes of anything, which take no memory before they are written, from a cache line on."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


def named_views(parts: Sequence[Tensor] | Sequence[Buffer], vector: np.ndarray | None) -> dict[str, np.ndarray]:
    """Views by name of a vector that holds the parts one after the other; no vector, no parts."""
    views: dict[str, np.ndarray] = {}
    if vector is None:
        return views
    offset = 0
    for part in parts:
        views[part.name] = vector[offset : offset + part.size].reshape(part.shape)
        offset += part.size
    return views

"""Random numbers by counter, in NumPy: the oracle of ``_core/kernels/philox.h``."""

from __future__ import annotations

import numpy as np

_LOW = np.uint64(0xFFFFFFFF)


def random_words(seed: int, step: int, layer: int, n: int) -> np.ndarray:
    """Return `n` random 32-bit words that depend only on the key and their position.

    Philox4x32-10 with key `seed` and counter (position // 4, `layer`, `step`).

    Parameters
    ----------
    seed, step : int
        Below 2**64.
    layer : int
        Below 2**32.
    n : int
        Number of words.

    Returns
    -------
    ndarray of shape (n,), uint32

    References
    ----------
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    blocks = np.arange((n + 3) // 4, dtype=np.uint64)
    c0, c1, c2, c3 = blocks & _LOW, np.full_like(blocks, layer), np.full_like(blocks, step & 0xFFFFFFFF), np.full_like(blocks, step >> 32)
    key0, key1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c2 = (product1 >> np.uint64(32)) ^ c1 ^ np.uint64(key0), (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(key1)
        c1, c3 = product1 & _LOW, product0 & _LOW
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).ravel()[:n].astype(np.uint32)

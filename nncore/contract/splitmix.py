"""Hashes of row numbers, by which rows of files are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GAMMA, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def row_hashes(rows: NDArray[np.int64], seed: int = 0) -> NDArray[np.uint64]:
    """A pseudo-random number for each row, all different: output `row` of SplitMix64.

    Parameters
    ----------
    rows : ndarray of int64
        From 0.
    seed : int
        Below 2**64.

    Returns
    -------
    ndarray of uint64

    References
    ----------
    Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = (rows.astype(np.uint64) + np.uint64(1)) * _GAMMA + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    hashes: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return hashes

"""Sparse batches with far more columns than numbers, for tests of memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array


def wide_batches() -> Iterator[tuple[csr_array, np.ndarray]]:
    """Ten batches of 100 rows and 200,000 columns, with 20 numbers in a row; as dense float32 they would take 800 MB."""
    rng, width = np.random.default_rng(0), 200_000
    for _ in range(10):
        columns = np.sort(rng.integers(width, size=(100, 20)), axis=1)
        data = csr_array((rng.random(2000, np.float32), columns.ravel(), np.arange(0, 2001, 20)), shape=(100, width))
        data.sum_duplicates()
        yield data, np.arange(100) % 2

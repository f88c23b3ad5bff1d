"""Means of the columns of sparse samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class SparseMeans:
    """Means of the columns of sparse samples, from blocks of any size. Each column is summed row by row, so no bit depends on the blocks.

    Parameters
    ----------
    n_columns : int
    """

    def __init__(self, n_columns: int) -> None:
        self._total, self._n_rows = np.zeros(n_columns), 0

    def add(self, samples: Any) -> None:
        """Add the next rows, a matrix or array of SciPy in CSR or CSC format."""
        columns = samples.indices if samples.format == "csr" else np.repeat(np.arange(samples.shape[1]), np.diff(samples.indptr))
        with np.errstate(over="ignore", invalid="ignore"):
            np.add.at(self._total, columns, samples.data.astype(np.float64, copy=False))
        self._n_rows += samples.shape[0]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The means; the largest finite number where a sum is too large."""
        return np.nan_to_num(self._total / max(1, self._n_rows))

"""Sparse matrices that are too large to be made dense."""

# SciPy has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.data import CONVERT_AT_ONCE, Rows


class SparseRows(Rows):
    """A sparse matrix whose rows become dense as they are asked for.

    Parameters
    ----------
    matrix : sparse matrix of shape (n_samples, n_columns)
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.tocsr()
        self.shape, self.dtype = self.matrix.shape, self.matrix.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, (int, np.integer)):
            return self.matrix[[rows]].toarray()[0]
        return self.matrix[rows].toarray()

    def select(self, rows: np.ndarray) -> SparseRows:
        """Some of the rows, not yet dense."""
        return SparseRows(self.matrix[rows])


def dense_or_rows(matrix: Any) -> np.ndarray | SparseRows:
    """A dense matrix, or, if that would be large, one that becomes dense batch by batch."""
    n_bytes = matrix.shape[0] * matrix.shape[1] * matrix.dtype.itemsize
    return matrix.toarray() if n_bytes <= CONVERT_AT_ONCE else SparseRows(matrix)

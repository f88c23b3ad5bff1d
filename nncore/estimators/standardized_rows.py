"""A matrix that is standardised some rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import Rows, Standardizer


class StandardizedRows(Rows):
    """A matrix whose rows are standardised as they are asked for.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_columns)
    standardizer : Standardizer
    """

    def __init__(self, matrix: NDArray[Any], standardizer: Standardizer) -> None:
        self.matrix, self.standardizer = matrix, standardizer
        self.shape, self.dtype = matrix.shape, matrix.dtype if matrix.dtype.kind == "f" else np.dtype(np.float64)

    def __getitem__(self, rows: Any) -> np.ndarray:
        chosen = self.matrix[rows]
        return self.standardizer.transform(chosen[np.newaxis])[0] if chosen.ndim == 1 else self.standardizer.transform(chosen)

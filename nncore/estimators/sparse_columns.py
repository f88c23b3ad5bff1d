"""Fit columns to streamed samples that are sparse: numbers alone, none of them missing."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from nncore.data import StreamBlock
from nncore.errors import DataError
from nncore.estimators.column_blocks import told
from nncore.estimators.columns import TableColumns
from nncore.estimators.sparse_means import SparseMeans


def learn_sparse_columns(columns: TableColumns, estimator: Any, blocks: Iterable[StreamBlock]) -> np.dtype:
    """Fit columns like `TableColumns.fit_transform`, with the same result to the last bit.

    Parameters
    ----------
    columns : TableColumns
    estimator : estimator
        Gets ``n_features_in_``.
    blocks : iterable of StreamBlock
        Sparse matrices or arrays of SciPy.

    Returns
    -------
    dtype
        float32 or float64: the dtype of the first samples.

    Raises
    ------
    DataError
        If there are no samples, or columns are declared categorical.
    """
    means: SparseMeans | None = None
    dtype, first = np.dtype(np.float64), 0
    columns.categories, columns.dates = {}, {}
    for block in blocks:
        if means is None:
            columns.is_categorical = columns.categorical(None, block.X)
            validate_data(estimator, block.X, reset=True, skip_check_array=True)
            columns.place(block.X.shape[1], None)
            means = SparseMeans(columns.n_columns)
            columns.take_note(np.zeros(columns.n_columns, bool), means.mean)
        with told(first):
            samples = TableColumns.transform(columns, estimator, block.X, accept_sparse=["csr", "csc"])
        dtype = dtype if first else samples.dtype
        means.add(samples)
        first += samples.shape[0]
    if means is None:
        raise DataError("X has no samples")
    columns.take_note(np.zeros(columns.n_columns, bool), means.mean)
    return dtype

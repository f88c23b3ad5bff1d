"""A matrix that is standardised as its rows are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.data.standardizer import Standardizer
from nncore.estimators.standardized_rows import StandardizedRows

X = np.random.default_rng(0).normal(3, 5, size=(20, 4))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_rows_are_those_of_the_whole(dtype: str) -> None:
    matrix = X.astype(dtype)
    standardizer = Standardizer.fit(matrix, range(3))
    rows = StandardizedRows(matrix, standardizer)
    whole = standardizer.transform(matrix)
    assert (rows.shape, rows.dtype, len(rows)) == (whole.shape, whole.dtype, 20)
    for chosen in (slice(None), slice(3, 7), np.array([5, 1, 1]), 4):
        np.testing.assert_array_equal(rows[chosen], whole[chosen])

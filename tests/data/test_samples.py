"""Samples that users pass are accepted without copying, converted, or refused with an error that helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from nncore.data import as_samples
from nncore.errors import DataError, DtypeError, ShapeError

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def test_float32_array_is_passed_on_itself() -> None:
    X = np.zeros((4, 3), np.float32)
    assert as_samples(X, "X", (3,), F32) is X


@pytest.mark.parametrize(
    "X",
    [
        [[1, 2], [3, 4]], np.array([[True, False]]), np.ones((2, 2), np.uint8), pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}),
        np.ones((2, 2), np.float16),
    ],
    ids=["lists", "bools", "uint8", "frame", "float16"],
)  # fmt: skip
def test_numbers_of_any_kind(X: object) -> None:
    np.testing.assert_array_equal(as_samples(X, "X", (2,), F32), np.asarray(X))


def test_frame_of_mixed_numeric_columns() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": pd.array([3, 4], dtype="Int64")})
    np.testing.assert_array_equal(as_samples(frame, "X", (2,), F64), [[1, 3], [2, 4]])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([1.0, 2.0], ShapeError, r"reshape\(1, -1\)"),
        (3.0, ShapeError, "a row for each sample"),
        ([[1.0, 2.0, 3.0]], ShapeError, r"samples of shape \(3,\), this network takes \(2,\)"),
        (np.zeros((3, 0)), ShapeError, r"samples of shape \(0,\)"),
        ([[1.0, 2.0], [3.0]], ShapeError, "not a rectangular array"),
        ([["a", "b"]], DtypeError, "dtype <U1"),
        (np.array([["a", 1.0]], object), DtypeError, "encode text and categories"),
        (np.ones((2, 2), complex), DtypeError, "complex128"),
        (np.array([["2020-01-01", "2020-01-02"]], "datetime64[D]"), DtypeError, "datetime64"),
        ([[1.0, 2.0], [3.0, np.nan]], DataError, "contains NaN at row 1, column 1: impute"),
        ([[1.0, 2.0], [-np.inf, 0]], DataError, "contains -inf at row 1, column 0"),
        ([[1.0, 1e300]], DataError, "1e\\+300 at row 0, column 1, too large for float32: scale it or use dtype='float64'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(X: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_samples(X, "X", (2,), F32)


@given(row=st.integers(0, 999), column=st.integers(0, 6), bad=st.sampled_from([np.nan, np.inf, -np.inf]), order=st.sampled_from("CF"))
@settings(max_examples=30, deadline=None)
def test_bad_number_is_found_wherever_it_is(row: int, column: int, bad: float, order: str) -> None:
    X = np.asarray(np.zeros((1000, 7), np.float32), order=order)
    X[row, column] = bad
    with pytest.raises(DataError, match=f"at row {row}, column {column}:"):
        as_samples(X, "X", None, F32)


def test_bad_number_is_found_in_the_second_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.blocks.BLOCK", 64)
    X = np.zeros((100, 3, 2))
    X[77, 2, 1] = np.nan
    with pytest.raises(DataError, match="row 77, column 2, 1"):
        as_samples(X, "X", None, F64)

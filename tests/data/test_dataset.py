"""What users pass in: accepted without copying, converted, or refused with a sentence that helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from nncore import registry
from nncore.data import Dataset, Targets, as_samples, as_targets, as_weights, dataset, samples
from nncore.errors import DataError, DtypeError, ShapeError
from nncore.plugin import Loss

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
CROSS_ENTROPY = registry.resolve("losses", "softmax_cross_entropy")
MSE = registry.resolve("losses", "mse")
BINARY = registry.resolve("losses", "binary_cross_entropy")
ABOVE_ZERO = type("AboveZero", (Loss,), {"target_range": "(0, inf)"})()


# ---- samples ---------------------------------------------------------------------------------------------------------------


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
        (scipy.sparse.eye_array(2), DtypeError, r"X\.toarray\(\)"),
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
    monkeypatch.setattr(samples, "BLOCK", 64)
    X = np.zeros((100, 3, 2))
    X[77, 2, 1] = np.nan
    with pytest.raises(DataError, match="row 77, column 2, 1"):
        as_samples(X, "X", None, F64)


# ---- targets ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [[0, 1, 2], np.array([0, 1, 2], np.uint8), [0.0, 1.0, 2.0], [[0], [1], [2]], pd.Series([0, 1, 2])])
def test_class_indices(y: object) -> None:
    targets = as_targets(y, CROSS_ENTROPY, 3, F32)
    assert targets.labels is not None
    assert targets.labels.dtype == np.int64
    np.testing.assert_array_equal(targets.labels, [0, 1, 2])


def test_distributions_are_reals() -> None:
    targets = as_targets(np.eye(3), CROSS_ENTROPY, 3, F32)
    assert targets.reals is not None
    assert targets.reals.dtype == F32


def test_one_target_may_be_a_vector() -> None:
    np.testing.assert_array_equal(as_targets([1, 2], MSE, 1, F64).values, [[1.0], [2.0]])
    np.testing.assert_array_equal(as_targets([True, False], BINARY, 1, F32).values, [[1], [0]])


@pytest.mark.parametrize(
    ("y", "loss", "n_outputs", "error", "message"),
    [
        ([0, 3], CROSS_ENTROPY, 3, DataError, "y is 3 at row 1, but the network has 3 outputs"),
        ([-1, 0], CROSS_ENTROPY, 3, DataError, "y is -1 at row 0"),
        ([0.5, 1], CROSS_ENTROPY, 3, DataError, "whole numbers"),
        (["cat", "dog"], CROSS_ENTROPY, 2, DtypeError, r"np.unique\(y, return_inverse=True\)"),
        (np.array(["cat", "dog"], object), CROSS_ENTROPY, 2, DtypeError, "holds text"),
        ([[0.1, 0.2]], CROSS_ENTROPY, 3, ShapeError, r"needs \(n_samples, 3\)"),
        ([1.0, 2.0], MSE, 2, ShapeError, 'loss="softmax_cross_entropy"'),
        ([[1.0, 2.0]], MSE, 1, ShapeError, r"shape \(1, 2\)"),
        ([np.nan], MSE, 1, DataError, "contains NaN at row 0"),
        ([0.0, 1.5], BINARY, 1, DataError, r"y is 1.5 at row 1; .* takes targets in \[0, 1\]"),
        ([0, np.nan], CROSS_ENTROPY, 2, DataError, "NaN at row 1"),
        ([1.0, 0.0], ABOVE_ZERO, 1, DataError, r"y is 0.0 at row 1; .* takes targets in \(0, inf\)"),
    ],
)  # fmt: skip
def test_targets_that_do_not_fit(y: object, loss: object, n_outputs: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_targets(y, loss, n_outputs, F32)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 2], ShapeError, "3 samples"), ([1, -1, 1], DataError, "negative"), ([0, 0, 0], DataError, "all zero"),
        ([1, np.nan, 1], DataError, "NaN"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(weights: list[float], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_weights(weights, 3, F32)


# ---- blocks ----------------------------------------------------------------------------------------------------------------


def test_contiguous_input_of_the_right_dtype_is_not_copied() -> None:
    X = np.zeros((10, 2, 3), np.float32)
    (block,) = Dataset(X, Targets(labels=np.zeros(10, np.int64)), None, F32).blocks(None, 4)
    assert np.shares_memory(block.inputs, X)
    assert block.inputs.shape == (10, 6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_converted_blocks_hold_the_samples_in_order(monkeypatch: pytest.MonkeyPatch, shuffled: bool, weighted: bool) -> None:
    monkeypatch.setattr(dataset, "CONVERT_AT_ONCE", 0)
    monkeypatch.setattr(dataset, "BLOCK", 200)
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(103, 5)), rng.integers(3, size=103)
    weights = rng.uniform(size=103).astype(np.float32) if weighted else None
    order = rng.permutation(103) if shuffled else None
    blocks = list(Dataset(X, Targets(labels=labels), weights, F32).blocks(order, 7))
    assert len(blocks) > 5
    assert all(len(block) % 7 == 0 for block in blocks[:-1])
    visited = np.arange(103) if order is None else order
    np.testing.assert_array_equal(np.concatenate([b.inputs for b in blocks]), X[visited].astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([b.labels for b in blocks]), labels[visited])
    if weights is not None:
        np.testing.assert_array_equal(np.concatenate([b.weights for b in blocks]), weights[visited])


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match="held-out X has 3 samples, held-out y has 2"):
        Dataset.checked(np.zeros((3, 2)), [0, 1], None, CROSS_ENTROPY, 2, F32, role="held-out ")
    with pytest.raises(DataError, match="X has no samples"):
        Dataset.checked(np.zeros((0, 2)), np.zeros(0, int), None, CROSS_ENTROPY, 2, F32)

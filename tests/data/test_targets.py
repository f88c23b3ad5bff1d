"""Targets and weights that users pass: classes, distributions or numbers, as the loss requires, or an error that helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nncore import registry
from nncore.data import as_targets, as_weights
from nncore.errors import DataError, DtypeError, ShapeError
from nncore.plugin import Loss

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
CROSS_ENTROPY = registry.resolve("losses", "softmax_cross_entropy")
MSE = registry.resolve("losses", "mse")
BINARY = registry.resolve("losses", "binary_cross_entropy")
ABOVE_ZERO = type("AboveZero", (Loss,), {"target_range": "(0, inf)"})()


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
        as_weights(weights, 3)


@pytest.mark.parametrize(
    ("loss", "n_outputs", "y"),
    [
        (CROSS_ENTROPY, 3, np.array([0, 2, 1])),
        (CROSS_ENTROPY, 3, np.array([0, 9, 2, 9, 1])[::2]),
        (MSE, 1, np.array([0.5, 2.0], np.float32)),
        (MSE, 2, np.array([[0.5, 2.0]], np.float32)),
        (BINARY, 1, np.array([0.0, 1.0], np.float32)),
    ],
)
def test_what_is_ready_is_taken_as_what_must_be_converted(loss: Loss, n_outputs: int, y: np.ndarray) -> None:
    ready, converted = (as_targets(given, loss, n_outputs, F32) for given in (y, y.tolist()))
    np.testing.assert_array_equal(ready.values, converted.values)
    assert ready.values.dtype == converted.values.dtype
    assert (ready.labels is None) == (converted.labels is None)


def test_labels_are_copied() -> None:
    y = np.array([0, 1, 2])
    assert not np.shares_memory(as_targets(y, CROSS_ENTROPY, 3, F32).values, y)

"""Mean 0, standard deviation 1, whatever the columns are like."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from nncore.data.standardizer import Standardizer
from nncore.errors import DataError
from nncore.estimators import MLPClassifier


def test_mean_and_deviation(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4)) * [1, 1e-9, 1e9, 3] + [1e6, 0, 5, -2]
    reference = Standardizer.fit(X, range(4))
    np.testing.assert_allclose(reference.mean, X.mean(axis=0), rtol=1e-12, atol=1e-20)
    np.testing.assert_allclose(reference.std, X.std(axis=0), rtol=1e-9)
    monkeypatch.setattr("nncore.blocks.BLOCK", 7 * 4 * 8)
    blocked = Standardizer.fit(X, range(4))
    np.testing.assert_allclose(blocked.mean, reference.mean, rtol=1e-12)
    np.testing.assert_allclose(blocked.std, reference.std, rtol=1e-12)


def test_missing_values_do_not_count_and_stay():
    X = np.array([[np.nan, 1.0], [2.0, np.nan], [4.0, 3.0]])
    standardizer = Standardizer.fit(X, [0, 1])
    assert standardizer.mean.tolist() == [3, 2]
    np.testing.assert_array_equal(standardizer.transform(X), [[np.nan, -1], [-1, np.nan], [1, 1]])


def test_a_column_without_any_value():
    X = np.full((3, 1), np.nan)
    standardizer = Standardizer.fit(X, [0])
    assert (standardizer.mean[0], standardizer.std[0]) == (0, 1)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e12, 1e-300, 123456.789])
def test_constant_columns_become_zero(value):
    X = np.full((1000, 1), value)
    np.testing.assert_allclose(Standardizer.fit(X, [0]).transform(X), 0, atol=1e-3 * abs(value))
    assert Standardizer.fit(X, [0]).std[0] == 1


def test_a_weight_is_a_number_of_rows():
    X = np.array([[1.0, np.nan], [2.0, 1.0], [7.0, 3.0]])
    weighted = Standardizer.fit(X, [0, 1], np.array([2.0, 1.0, 0.0]))
    repeated = Standardizer.fit(X[[0, 0, 1]], [0, 1])
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-15)
    np.testing.assert_allclose(weighted.std, repeated.std, rtol=1e-15)


def test_other_columns_stay_as_they_are():
    X = np.array([[1, 5], [0, 7]], np.float32)
    result = Standardizer.fit(X, [1]).transform(X)
    assert result.dtype == np.float32
    assert result.tolist() == [[1, -1], [0, 1]]
    assert X.tolist() == [[1, 5], [0, 7]]


def test_numbers_too_large():
    with pytest.raises(DataError, match="column 1 of X holds numbers too large"):
        Standardizer.fit(np.array([[1.0, 1e300], [2.0, -1e300]]), [0, 1])


def test_a_copy_is_standardized_where_it_is():
    """Integers are made float64 anyway; what the caller holds is left alone."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(1600, 2000)).astype(np.uint8)
    y = pixels[:, 0] > 127

    def peak(X):
        model = MLPClassifier((2,), standardize=True, max_iter=1, batch_size=40, random_state=0)
        before = X.copy()
        tracemalloc.start()
        try:
            model.fit(X, y[: len(X)])
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        np.testing.assert_array_equal(X, before)
        return most, model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peak(pixels[:40])
        (of_pixels, one), (_, other) = peak(pixels), peak(pixels.astype(np.float64))
    assert of_pixels < 1.9 * 8 * pixels.size
    np.testing.assert_array_equal(one.predict_proba(pixels), other.predict_proba(pixels.astype(np.float64)))

"""Robust scaling and the smooth clip."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import RobustScaler

from nncore.estimators.scaled_columns import ScaledColumns

FLOAT = np.dtype(np.float64)


def test_it_is_scikit_learns_robust_scaler_before_the_clip():
    X = np.random.default_rng(0).lognormal(size=(101, 3))
    scaled = ScaledColumns.fit(X, np.arange(3), np.inf).transform(X, FLOAT)
    np.testing.assert_allclose(scaled, RobustScaler().fit_transform(X), rtol=1e-12, atol=1e-12)


def test_far_values_stay_below_the_limit():
    X = np.array([[-1e300], [-1.0], [0.0], [1.0], [1e300]])
    scaled = ScaledColumns.fit(X, np.arange(1), 3.0).transform(X, np.dtype(np.float32))
    z = np.array([-1, 0, 1]) / 2
    np.testing.assert_allclose(scaled[1:4, 0], z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-6)
    np.testing.assert_allclose(scaled[[0, 4], 0], [-3, 3], rtol=1e-6)


def test_a_rare_value_is_scaled_by_the_range_and_a_constant_becomes_0():
    X = np.column_stack([[0.0] * 9 + [4.0], [7.0] * 10])
    scaled = ScaledColumns.fit(X, np.arange(2), np.inf).transform(X, FLOAT)
    assert scaled[:, 0].tolist() == [0.0] * 9 + [2.0]
    assert not scaled[:, 1].any()


def test_missing_numbers_stay_missing_and_other_columns_as_they_are():
    X = np.array([[1.0, np.nan, 5], [2, 1, 6], [3, 2, 7], [4, 3, 8]])
    scaled = ScaledColumns.fit(X, np.array([1]), 3.0).transform(X, FLOAT)
    assert np.isnan(scaled[0, 1])
    assert not np.isnan(scaled[1:, 1]).any()
    assert np.array_equal(scaled[:, [0, 2]], X[:, [0, 2]])
    assert not np.isnan(ScaledColumns.fit(X * np.nan, np.array([1]), 3.0).factor).any()

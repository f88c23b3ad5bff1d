"""Encodings against scikit-learn's equivalent preprocessing."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.data import EncodingChain

preprocessing = pytest.importorskip("sklearn.preprocessing")


def numbers(n: int = 500) -> np.ndarray:
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(1.7e9, 600, n), rng.standard_cauchy(n), rng.exponential(1e-8, n), rng.integers(0, 9, n) * 1.0], axis=1)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("is_weighted", [False, True])
def test_standard(is_weighted: bool) -> None:
    X, constant = numbers(), np.full((500, 1), 0.1)
    X = np.hstack([X, constant])
    weights = np.random.default_rng(1).choice([0, 0.5, 3], 500) if is_weighted else None
    expected = preprocessing.StandardScaler().fit(X, sample_weight=weights).transform(X)
    chain = EncodingChain.learn(["standard"], X, sample_weight=weights)
    np.testing.assert_allclose(chain.encode(X), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(chain.inverse(chain.encode(X)), X, rtol=1e-12)


def test_robust() -> None:
    X = numbers()
    expected = preprocessing.RobustScaler().fit_transform(X)
    np.testing.assert_allclose(EncodingChain.learn(["robust"], X).encode(X), expected, rtol=1e-9, atol=1e-12)


def test_quantile_normal() -> None:
    X = numbers()  # with a column of few values
    expected = preprocessing.QuantileTransformer(n_quantiles=16, output_distribution="normal").fit(X).transform(numbers()[::-1] * 1.01)
    chain = EncodingChain.learn([{"name": "quantile_normal", "noise": 0}], X)
    np.testing.assert_allclose(chain.encode(numbers()[::-1] * 1.01), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_indicator(fill: str) -> None:
    impute = pytest.importorskip("sklearn.impute")
    X = numbers()
    expected = impute.SimpleImputer(strategy=fill, add_indicator=True).fit_transform(X)
    found = EncodingChain.learn([{"name": "indicator", "fill": fill}], X).encode(X)
    np.testing.assert_allclose(np.hstack([found[:, ::2], found[:, 1::2]]), expected, rtol=1e-12)  # theirs are at the end

"""Encodings learn the same from sparse samples as from dense ones, and encode them to the same numbers."""

import numpy as np
import pytest
import scipy.sparse

from nncore.data import EncodingChain, sparse_samples
from nncore.encodings.robust import Robust
from nncore.ensembles.sparse_columns import SparseColumns
from nncore.ensembles.sparse_encoding import encode_sparse, learn_sparse
from nncore.errors import DataError
from nncore.plugin import Extremes, quantiles

CHAIN = ["robust", {"name": "smooth_clip", "limit": 3.0}]


def table(n_rows=300):
    """Columns with few non-zeros, more than half, no zeros, only zeros, one number, negative numbers, both signs, or in the first rows."""
    rng = np.random.default_rng(n_rows)
    X = np.where(rng.random((n_rows, 40)) < 0.1, 10 * rng.normal(size=(n_rows, 40)), 0)
    X[:, 0] = np.where(rng.random(n_rows) < 0.7, rng.normal(3, 1, n_rows), 0)
    X[:, 1], X[:, 2], X[:, 3] = rng.normal(size=n_rows), 0, 2.5
    X[:, 4] = np.where(rng.random(n_rows) < 0.6, -rng.random(n_rows), 0)
    X[:, 5] = np.where(rng.random(n_rows) < 0.6, rng.normal(size=n_rows), 0)
    X[:, 6] = np.where(np.arange(n_rows) < n_rows // 2, 1.5, 0)
    X[:, 7] = np.where(np.arange(n_rows) >= n_rows // 2, 1.5, 0)
    X[:, 8], X[0, 8] = rng.normal(size=n_rows), 0
    return X


def sparse(X):
    return sparse_samples(scipy.sparse.csr_array(X), "X")


WEIGHTS = {
    "none": lambda n: None,
    "equal": np.ones,
    "whole": lambda n: np.random.default_rng(1).integers(0, 4, n).astype(float),
    "any": lambda n: np.random.default_rng(1).random(n),
}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n_rows", [1, 2, 3, 10, 301])
def test_statistics_are_those_of_dense_columns(n_rows, weights):
    X, weight = table(n_rows), WEIGHTS[weights](n_rows)
    weight = None if weight is None else weight + 0.01
    found, extremes = SparseColumns(sparse(X), weight), Extremes(X.shape[1])
    extremes.add(X, weight)
    np.testing.assert_array_equal(found.least, extremes.least)
    np.testing.assert_array_equal(found.largest, extremes.largest)
    levels = [0, 0.1, 0.25, 0.5, 0.75, 0.99, 1]
    for some in (levels, levels[2:5]):
        assert_alike = np.testing.assert_allclose if weights in ("whole", "any") else np.testing.assert_array_equal
        arguments = {"rtol": 1e-9, "atol": 1e-12} if assert_alike is np.testing.assert_allclose else {}
        assert_alike(found.quantiles(some), quantiles(X, some, weight), **arguments)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_what_is_learned_and_encoded_is_that_of_dense_columns(weights):
    X = table()
    weight = WEIGHTS[weights](len(X))
    dense, found = EncodingChain.learn(CHAIN, X, sample_weight=weight), learn_sparse(CHAIN, sparse(X), weight)
    assert found.description() == dense.description()
    for name, array in dense.arrays().items():
        np.testing.assert_allclose(found.arrays()[name], array, rtol=1e-9, atol=1e-12)
    for dtype in (np.float32, np.float64):
        encoded = encode_sparse(dense, sparse(X), np.dtype(dtype))
        np.testing.assert_array_equal(encoded[:], dense.encode(X, dtype=dtype))
        assert encoded.n_numbers < 2 * np.count_nonzero(X)
    some = encode_sparse(dense, sparse(X).select(np.array([7, 3, 3])), np.dtype(np.float64))
    np.testing.assert_array_equal(some[:], dense.encode(X[[7, 3, 3]]))
    assert encode_sparse(dense, sparse(X).select(slice(0, 0)), np.dtype(np.float64)).shape == (0, 40)


def test_quantiles_of_long_columns_are_of_the_rows_that_are_drawn():
    rng = np.random.default_rng(2)
    X = np.where(rng.random((70_000, 3)) < [0.4, 0.8, 0.001], rng.normal(size=(70_000, 3)), 0)
    dense, found = EncodingChain.learn(["robust"], X), learn_sparse(["robust"], sparse(X))
    for name, array in dense.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array)


def test_a_matrix_that_stores_zeros_is_one_that_does_not():
    X = scipy.sparse.csr_array(table())
    stored = X.copy()
    stored.data[::3] = 0
    cleaned = stored.copy()
    cleaned.eliminate_zeros()
    one, other = (learn_sparse(CHAIN, sparse_samples(each, "X")) for each in (stored, cleaned))
    assert one == other


def test_numbers_that_are_too_large_are_named():
    X = table()
    X[:, 9] = np.where(np.arange(len(X)) % 2, 1e308, -1e308)
    with pytest.raises(DataError, match="column 9 holds numbers too large"):
        learn_sparse(CHAIN, sparse(X))
    with pytest.raises(DataError, match="0 for all rows"):
        learn_sparse(CHAIN, sparse(X), np.zeros(len(X)))
    small = np.zeros((4, 2))
    small[:, 1] = [0, 1e-300, 2e-300, 3e-300]
    chain = EncodingChain.learn([Robust()], small)
    with pytest.raises(DataError, match="column 1 has a number too large compared with those of training"):
        encode_sparse(chain, sparse(np.array([[1.0, 1e100]])), np.dtype(np.float64))

"""Streams of sparse batches train and score as the same samples in memory, without being converted to dense."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from wide_batches import wide_batches

import nncore as nn
from nncore.errors import DataError, DtypeError

N, WIDTH = 210, 500
X = scipy.sparse.random(N, WIDTH, 0.02, format="csr", random_state=0)
X.data[X.indptr[4] : X.indptr[6]] = 0
X.eliminate_zeros()
Y = np.random.default_rng(1).integers(3, size=N)
WEIGHTS = np.linspace(0, 1.9, N)


def batches(size=35, kinds=("csr", "csc", "coo")):
    """Batches of this size, but for the last, in different formats."""
    starts = range(0, N, size)
    return [(X[at : at + size].asformat(kinds[i % len(kinds)]), Y[at : at + size], WEIGHTS[at : at + size]) for i, at in enumerate(starts)]


def fitted(X, y=None, weights=None, **arguments):
    net = nn.Sequential(nn.Dense(17, activation="tanh"), nn.Dense(3))
    defaults = {"loss": "softmax_cross_entropy", "epochs": 3, "batch_size": 32, "rng": 0, "dtype": "float64", "progress": False}
    net.fit(X, y, **{**defaults, **arguments}, **({} if weights is None else {"sample_weight": weights}))
    return net


WAYS = {
    "adam": {},
    "sgd": {"optimizer": "sgd"},
    "lazy": {"groups": {"dense_1.weight": {"lazy": True}}},
    "shards": {"shards": 5},
    "accumulated": {"accumulate": 2, "clip_norm": 0.5, "drop_last": True},
    "metrics": {"train_metrics": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 35, N])
def test_in_the_order_of_the_stream_bits_are_those_of_the_matrix(size, way):
    whole = fitted(X, Y, WEIGHTS, shuffle=False, **WAYS[way])
    streamed = fitted(lambda: iter(batches(size)), shuffle=False, **WAYS[way])
    assert streamed.parameters.tobytes() == whole.parameters.tobytes()


@pytest.mark.parametrize("buffer", [1, 20, 1000])
def test_shuffled_bits_are_those_of_dense_batches_but_for_rounding(buffer):
    dense = [(data.toarray(), y, weights) for data, y, weights in batches()]
    sparse, same = (fitted(data, shuffle_buffer=buffer) for data in (batches(), dense))
    np.testing.assert_allclose(sparse.parameters, same.parameters, rtol=1e-9, atol=1e-12)
    assert fitted(batches(), shuffle_buffer=buffer).parameters.tobytes() == sparse.parameters.tobytes()


def test_memory_limit_and_shuffle_buffer_read_a_matrix_in_blocks():
    whole = fitted(X, Y, WEIGHTS, shuffle=False)
    assert fitted(X, Y, WEIGHTS, shuffle=False, memory_limit="20 MB").parameters.tobytes() == whole.parameters.tobytes()
    shuffled = [fitted(data, Y, WEIGHTS, shuffle_buffer=50, memory_limit="20 MB") for data in (X, X.tocsc(), X.toarray())]
    assert shuffled[0].parameters.tobytes() == shuffled[1].parameters.tobytes()
    np.testing.assert_allclose(shuffled[0].parameters, shuffled[2].parameters, rtol=1e-9, atol=1e-12)


def test_batches_of_a_generator_that_ends():
    streamed = fitted((batch for batch in batches()), epochs=1, shuffle=False)
    assert streamed.parameters.tobytes() == fitted(X, Y, WEIGHTS, epochs=1, shuffle=False).parameters.tobytes()


def test_validation_predictions_and_scores():
    whole = fitted(X, Y, WEIGHTS, shuffle=False, validation=(X[:50], Y[:50]))
    streamed = fitted(batches(), shuffle=False, validation=lambda: iter([(X[:25], Y[:25]), (X[25:50], Y[25:50])]))
    assert streamed.parameters.tobytes() == whole.parameters.tobytes()
    plain = [(data, y) for data, y, _ in batches()]
    assert streamed.evaluate(plain) == pytest.approx(whole.evaluate(X, Y))
    np.testing.assert_array_equal(streamed.predict(lambda: iter([data for data, _ in plain])), whole.predict(X))
    net = nn.Sequential(nn.Dense(17, activation="tanh"), nn.Dense(3))
    history = net.fit(batches(), loss="softmax_cross_entropy", validation=0.2, rng=0, progress=False)
    assert 0 < history["val_loss"][-1] < 2


def test_what_cannot_be_read_is_refused():
    with pytest.raises(DtypeError, match=r"batch_norm_1.* reads every number"):
        nn.Sequential(nn.BatchNorm(), nn.Dense(3)).fit(batches(), loss="softmax_cross_entropy", progress=False)
    with pytest.raises(DataError, match="X is dense, but the first batch was sparse"):
        fitted([(X[:5], Y[:5]), (X[5:9].toarray(), Y[5:9])])
    with pytest.raises(DtypeError, match="leave the transform out"):
        fitted(batches(), transforms=["gaussian_noise"])
    broken = X[:5].copy()
    broken.data[1] = np.nan
    with pytest.raises(DataError, match=r"row 5: X contains NaN at row 0"):
        fitted([(X[:5], Y[:5]), (broken, Y[:5])])


def test_memory_goes_by_the_numbers_that_are_there():
    net = nn.Sequential(nn.Dense(2, activation="relu"), nn.Dense(2))
    tracemalloc.start()
    try:
        net.fit(wide_batches, loss="softmax_cross_entropy", epochs=2, batch_size=500, rng=0, progress=False)
        net.evaluate(wide_batches)
        assert tracemalloc.get_traced_memory()[1] < 80e6
    finally:
        tracemalloc.stop()

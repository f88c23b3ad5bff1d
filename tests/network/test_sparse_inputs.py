"""Sparse samples are read without conversion, with the results of dense ones up to rounding."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse import csr_array

import nncore as nn
from nncore.errors import DataError, DtypeError, NotBuiltError, ShapeError
from nncore.testing import team_of

N, WIDTH = 90, 700


def samples(n=N, width=WIDTH, density=0.02):
    """Samples with empty rows and columns, and a full column."""
    X = scipy.sparse.random(n, width, density, format="csr", random_state=0)
    X = scipy.sparse.hstack([X, np.arange(1.0, n + 1)[:, None] / n, csr_array((n, 3))], format="csr")
    X.data[X.indptr[4] : X.indptr[6]] = 0
    X.eliminate_zeros()
    return X


X = samples()
Y = np.random.default_rng(1).integers(3, size=N)


def network():
    return nn.Sequential(nn.Dense(37, activation="tanh"), nn.Dense(3))


def fitted(X, y=Y, net=None, **arguments):
    defaults = {"loss": "softmax_cross_entropy", "epochs": 3, "batch_size": 32, "rng": 0, "dtype": "float64", "progress": False}
    net = network() if net is None else net
    net.fit(X, y, **{**defaults, **arguments})
    return net


WAYS = {
    "adam": {},
    "sgd": {"optimizer": "sgd"},
    "shards": {"shards": 5},
    "in turn": {"shuffle": False},
    "accumulated": {"accumulate": 2, "clip_norm": 0.5},
    "weights": {"sample_weight": np.linspace(0, 1.9, N), "sampler": "weighted"},
    "drop_last": {"drop_last": True, "weight_decay": 0.1},
    "whole": {"batch_size": N},
}


@pytest.mark.parametrize("way", WAYS)
def test_training_is_that_of_dense_samples(way):
    arguments = {"validation": (X[:20], Y[:20]), **WAYS[way]}
    sparse, dense = fitted(X, **arguments), fitted(X.toarray(), **{**arguments, "validation": (X[:20].toarray(), Y[:20])})
    np.testing.assert_allclose(sparse.parameters, dense.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_outputs", [1, 5, 37, 150])
def test_forward_and_gradients_of_any_width(n_outputs, dtype):
    x = csr_array(np.random.default_rng(2).normal(size=(40, 9)) * (np.random.default_rng(3).random((40, 9)) < 0.3)).astype(dtype)
    net = nn.Sequential(nn.Dense(n_outputs)).build(9, loss="mse", rng=0, dtype=dtype)
    target = np.random.default_rng(4).normal(size=(40, n_outputs))
    outputs, found = [], []
    for data in (x, x.toarray()):
        outputs.append(net.forward(data, training=True))
        net.backward(target)
        found.append(net.gradients.copy())
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(*outputs, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(*found, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(net.predict(x), outputs[0])


def test_long_sums_keep_their_digits():
    x = csr_array(np.ones((20_000, 1), np.float32))
    net = nn.Sequential(nn.Dense(1)).build(1, loss="mse", rng=0)
    d_output = np.random.default_rng(0).random((20_000, 1), np.float32)
    net.forward(x, training=True)
    net.backward(d_output=d_output)
    assert net.gradients[0] == pytest.approx(float(d_output.sum(dtype=np.float64)), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", ["adam", "shards", "whole", "accumulated"])
def test_bits_do_not_depend_on_threads(way, dtype):
    one = fitted(X, dtype=dtype, **WAYS[way])
    for n_threads in (2, 3):
        with team_of(n_threads):
            several = fitted(X, dtype=dtype, **WAYS[way])
            assert several.parameters.tobytes() == one.parameters.tobytes()
            assert several.predict(X).tobytes() == one.predict(X).tobytes()


def test_large_weights_are_updated_by_tiles():
    wide = scipy.sparse.random(60, 9000, 0.01, format="csr", random_state=0)
    y = np.arange(60) % 2
    net = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(2))
    sparse = fitted(wide, y, net, batch_size=20)
    assert sparse.program_for_training(20, sparse_inputs=True, transformed=True).spec.uses_up_gradients
    dense = fitted(wide.toarray(), y, nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(2)), batch_size=20)
    np.testing.assert_allclose(sparse.parameters, dense.parameters, rtol=1e-8, atol=1e-12)
    with team_of(3):
        several = fitted(wide, y, nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(2)), batch_size=20)
    assert several.parameters.tobytes() == sparse.parameters.tobytes()


@pytest.mark.parametrize("groups", [{}, {"dense_1.weight": {"lazy": True}}])
def test_steps_on_rows_of_columns_that_a_batch_has(groups):
    rng, width, y = np.random.default_rng(0), 9000, np.arange(60) % 2
    wide = csr_array((rng.normal(size=1200), rng.integers(width, size=1200), np.arange(0, 1201, 20)), shape=(60, width))
    optimizer = "adam" if groups else "sgd"

    def trained(data, **arguments):
        net = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(2))
        return fitted(data, y, net, batch_size=20, optimizer=optimizer, groups=groups, **arguments)

    touched = trained(wide)
    program = touched.program_for_training(20, sparse_inputs=True, transformed=True)
    assert program.spec.touched is not None
    assert touched.parameters.tobytes() == trained(wide, clip_norm=1e9).parameters.tobytes()  # of all gradients
    np.testing.assert_allclose(touched.parameters, trained(wide.toarray()).parameters, rtol=1e-8, atol=1e-12)
    with team_of(3):
        assert trained(wide).parameters.tobytes() == touched.parameters.tobytes()


def test_a_fit_that_goes_on_is_one_that_never_stopped(tmp_path):
    whole = fitted(X, epochs=4)
    half = fitted(X, epochs=2)
    half.save(tmp_path / "half.nn")
    again = nn.load(tmp_path / "half.nn")
    again.fit(X, Y, epochs=2, batch_size=32, progress=False)
    assert again.parameters.tobytes() == whole.parameters.tobytes()


def test_steps_on_batches_and_scores():
    sparse, dense = (network().build(X.shape[1], "softmax_cross_entropy", "adam", rng=0, dtype="float64") for _ in range(2))
    losses = [net.train_on_batch(data, Y, np.linspace(0.1, 1, N)) for net, data in ((sparse, X), (dense, X.toarray()))]
    assert losses[0] == pytest.approx(losses[1])
    assert sparse.evaluate(X, Y) == pytest.approx(dense.evaluate(X.toarray(), Y))
    assert sparse.evaluate(X.toarray(), Y) == pytest.approx(sparse.evaluate(X, Y))
    np.testing.assert_allclose(sparse.predict_proba(X[:0]), np.empty((0, 3)))
    np.testing.assert_allclose(sparse.input_gradients(X, output=0), sparse.input_gradients(X.toarray(), output=0))


def test_branches_may_all_read_sparse_rows():
    def wide_and_deep():
        return nn.Sequential(nn.Concat([nn.Dense(4), [nn.Dense(5, activation="tanh"), nn.Dense(3)]]), nn.Dense(3))

    sparse, dense = fitted(X, net=wide_and_deep()), fitted(X.toarray(), net=wide_and_deep())
    np.testing.assert_allclose(sparse.parameters, dense.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("container", ["csr", "csc", "coo", "lil", "dok", "bsr"])
def test_all_kinds_of_sparse_matrices(container):
    net = network().build(X.shape[1], rng=0, dtype="float64")
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.csr_array):
        np.testing.assert_array_equal(net.predict(kind(X).asformat(container)), net.predict(X))


def test_numbers_in_one_place_are_added_and_columns_sorted():
    parts = np.array([1.0, 2, 4, 8, 16]), np.array([2, 0, 2, 1, 0], np.int64), np.array([0, 3, 3, 5], np.int64)
    x = csr_array(parts, shape=(3, 3))
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0, dtype="float64")
    np.testing.assert_allclose(net.predict(x), net.predict(x.toarray()))
    assert x.indices.tolist() == [2, 0, 2, 1, 0]  # the user's data are unchanged


def test_whole_numbers_and_truth_values():
    net = nn.Sequential(nn.Dense(2)).build(X.shape[1], rng=0)
    for dtype in (np.int8, np.uint16, bool):
        x = (X * 100).astype(dtype) if dtype is not bool else X != 0
        np.testing.assert_allclose(net.predict(x), net.predict(np.asarray(x.toarray(), np.float32)), rtol=1e-5, atol=1e-4)


def broken(**parts):
    x = X.copy()
    for name, change in parts.items():
        array = getattr(x, name).copy()
        change(array)
        object.__setattr__(x, name, array)
    return x


def put(place, value):
    return lambda array: array.__setitem__(place, value)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (broken(indices=put(3, WIDTH + 4)), DataError, "do not fit together"),
        (broken(indices=put(3, -1)), DataError, "do not fit together"),
        (broken(indptr=put(3, 100_000)), DataError, "do not fit together"),
        (broken(indptr=put(-1, 100_000)), DataError, "do not fit together"),
        (broken(indptr=put(0, 5)), DataError, "do not fit together"),
        (broken(data=put(5, np.nan)), DataError, r"NaN at row \d+, column \d+"),
        (broken(data=put(5, np.inf)), DataError, r"inf at row \d+, column \d+"),
        (broken(data=put(5, 1e300)), DataError, "too large for float32"),
        (X.astype(complex), DtypeError, "real numbers"),
        (X[:, :5], ShapeError, "this network takes"),
    ],
)
def test_what_is_no_sparse_matrix_of_numbers_is_refused(x, error, message):
    net = network().build(X.shape[1], "softmax_cross_entropy", "adam", rng=0)
    before = net.parameters.copy()
    calls = (net.predict, lambda x: net.fit(x, Y, progress=False), lambda x: net.evaluate(x, Y), lambda x: net.train_on_batch(x, Y))
    for call in calls:
        with pytest.raises(error, match=message):
            call(x)
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.BatchNorm(), nn.Dense(3)],
        [nn.Dropout(0.5), nn.Dense(3)],
        [nn.Concat([[], nn.Dense(3)]), nn.Dense(3)],
    ],
)
def test_layers_that_read_every_number_say_so(layers):
    for call in (
        lambda: nn.Sequential(*layers).fit(X, Y, loss="softmax_cross_entropy", progress=False),
        lambda: nn.Sequential(*layers).build(X.shape[1], rng=0).predict(X),
    ):
        with pytest.raises(DtypeError, match=r"begin the network with nn.Dense, or pass X.toarray\(\)"):
            call()


def test_what_else_needs_dense_samples_says_so():
    with pytest.raises(DtypeError, match="leave the transform out"):
        fitted(X, transforms=["gaussian_noise"])
    net = network().build(X.shape[1], "softmax_cross_entropy", rng=0)
    net.forward(X, training=True)
    net.backward(Y)
    with pytest.raises(NotBuiltError, match="no d_input of a sparse X"):
        _ = net.d_input


def test_memory_goes_by_the_numbers_that_are_there():
    rng, width = np.random.default_rng(0), 200_000
    numbers = rng.random(20_000, np.float32), rng.integers(width, size=20_000), np.arange(0, 20_001, 20)
    wide = csr_array(numbers, shape=(1000, width))  # 800 MB if it were dense
    net = nn.Sequential(nn.Dense(2, activation="relu"), nn.Dense(2))
    y = np.arange(1000) % 2
    tracemalloc.start()
    try:
        net.fit(wide, y, loss="softmax_cross_entropy", epochs=1, batch_size=500, rng=0, progress=False)
        net.predict(wide)
        net.evaluate(wide, y)
        assert tracemalloc.get_traced_memory()[1] < 80e6
    finally:
        tracemalloc.stop()

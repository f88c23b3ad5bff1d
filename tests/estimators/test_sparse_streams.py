"""Estimators train on streams of sparse batches, and on sparse X with `memory_limit`, as on the same X in memory."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from wide_batches import wide_batches

from nncore.errors import DataError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, WIDTH = 210, 40
X = scipy.sparse.random(N, WIDTH, 0.1, format="csr", random_state=0)
Y = X @ np.linspace(-1, 1, WIDTH)
LABELS = np.where(np.median(Y) < Y, "more", "less")
WEIGHTS = np.random.default_rng(1).integers(1, 4, N).astype(float)  # of which sums are exact in any order
mlps = pytest.mark.parametrize(("cls", "y"), [(MLPClassifier, LABELS), (MLPRegressor, Y)], ids=["classes", "reals"])


def batches(y, size=35, n=N, weights=None, kinds=("csr", "csc", "coo")):
    """A function that returns batches of this size but for the last, in different formats."""

    def made():
        for number, at in enumerate(range(0, n, size)):
            rows = slice(at, min(at + size, n))
            parts = (y[rows],) if weights is None else (y[rows], weights[rows])
            yield X[rows].asformat(kinds[number % len(kinds)]), *parts

    return made


def fitted(cls, X, *given, **arguments):
    known = {"hidden_layer_sizes": (8,), "max_iter": 4, "batch_size": 32, "shuffle": False, "random_state": 0}
    return cls(**known | arguments).fit(X, *given)


def parameters(model):
    return model.network_.parameters.tobytes()


@mlps
@pytest.mark.parametrize("size", [1, 35, N])
def test_in_the_order_of_the_stream_bits_are_those_of_the_matrix(cls, y, size):
    for weights in (None, WEIGHTS):
        whole = fitted(cls, X, y, *(() if weights is None else (weights,)))
        streamed = fitted(cls, batches(y, size, weights=weights))
        assert parameters(streamed) == parameters(whole)
        np.testing.assert_array_equal(streamed._columns.means, whole._columns.means)
        np.testing.assert_array_equal(streamed.predict(lambda: (batch[0] for batch in batches(y, size)())), whole.predict(X))
        assert streamed.score(batches(y, size, weights=weights)) == pytest.approx(whole.score(X, y, weights))


@mlps
def test_memory_limit_reads_a_sparse_matrix_in_blocks(cls, y):
    whole = fitted(cls, X, y)
    for kind in ("csr", "csc", "coo", "lil"):
        assert parameters(fitted(cls, X.asformat(kind), y, memory_limit="20 MB")) == parameters(whole)


@mlps
def test_shuffled_streams_held_out_samples_and_validation_streams(cls, y):
    assert parameters(fitted(cls, batches(y), shuffle=True)) == parameters(fitted(cls, batches(y), shuffle=True))
    held_out = fitted(cls, batches(y), early_stopping=True, n_iter_no_change=2)
    assert len(held_out.validation_scores_) > 0
    model = cls(hidden_layer_sizes=(8,), max_iter=3, early_stopping=True, random_state=0)
    model.fit(batches(y), X_val=batches(y, n=70), y_val=None)
    model.fit(batches(y), X_val=X[:70].toarray(), y_val=y[:70])
    assert model.network_.takes_sparse


def test_dense_batches_and_missing_numbers_are_filled_after_a_sparse_fit():
    streamed, whole = fitted(MLPClassifier, batches(LABELS)), fitted(MLPClassifier, X, LABELS)
    dense = X[:20].toarray()
    dense[3, 4] = np.nan
    np.testing.assert_array_equal(streamed.predict_proba(dense), whole.predict_proba(dense))


@pytest.mark.parametrize(
    ("given", "arguments", "error", "message"),
    [
        (batches(LABELS), {"standardize": True}, ParameterError, "standardize=True turns zeros into other numbers"),
        (batches(LABELS), {"categorical_features": [1]}, DataError, "sparse matrix cannot have categorical columns"),
        ([(X[:5], LABELS[:5]), (X[5:9].toarray(), LABELS[5:9])], {}, DataError, "is dense, but the first was sparse"),
        ([(X[:5].toarray(), LABELS[:5]), (X[5:9], LABELS[5:9])], {}, DataError, "is sparse, but the first was dense"),
        ([(X[:5], LABELS[:5]), (X[5:9, :7], LABELS[5:9])], {}, ValueError, "7 features"),
        ([(X[:5], LABELS[:5]), (X[5:9] * np.nan, LABELS[5:9])], {}, ValueError, "NaN"),
    ],
)
def test_what_cannot_be_read_is_refused(given, arguments, error, message):
    with pytest.raises(error, match=message):
        fitted(MLPClassifier, given if callable(given) else lambda: iter(given), **arguments)


ENSEMBLES = [(RealMLPClassifier, LABELS), (RealMLPRegressor, Y), (TabMClassifier, LABELS), (TabMRegressor, Y)]
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_cv": 2, "random_state": 0}


@pytest.mark.parametrize(("cls", "y"), ENSEMBLES, ids=lambda one: getattr(one, "__name__", ""))
def test_ensembles_gather_streams_and_have_the_bits_of_the_matrix(cls, y):
    for weights in (None, WEIGHTS):
        whole = cls(**SMALL).fit(X, y, weights)
        expected = whole.predict(X)
        for given in ((batches(y, weights=weights),), (X, y, weights)):
            streamed = cls(**SMALL, memory_limit="20 MB").fit(*given)
            np.testing.assert_array_equal(streamed.predict(X), expected)
            assert streamed.score(batches(y)) == pytest.approx(whole.score(X, y))
    one = {**SMALL, "n_cv": 1}
    expected = cls(**one).fit(X, y, X_val=X[:70], y_val=y[:70]).predict(X)
    np.testing.assert_array_equal(cls(**one).fit(batches(y), X_val=batches(y, n=70)).predict(X), expected)
    np.testing.assert_array_equal(cls(**one).fit(batches(y), X_val=X[:70].toarray(), y_val=y[:70]).predict(X), expected)


def test_what_ensembles_do_not_gather():
    large = [(scipy.sparse.random(N, 4000, 0.1, random_state=number), LABELS) for number in range(3)]  # 1 MB each
    with pytest.raises(ParameterError, match="more than memory_limit, 2 MiB: raise it, or use MLPClassifier"):
        RealMLPClassifier(**SMALL, memory_limit="2 MB").fit(lambda: iter(large))
    weighted, plain = (next(batches(LABELS, weights=weights)()) for weights in (WEIGHTS, None))
    with pytest.raises(DataError, match="some blocks of the stream have sample weights"):
        RealMLPClassifier(**SMALL).fit(lambda: iter([weighted, plain]))
    dense = [(batch[0].toarray(), *batch[1:]) for batch in batches(LABELS)()]
    with pytest.raises(ParameterError, match="gives sparse batches, but X dense ones"):
        RealMLPClassifier(**{**SMALL, "n_cv": 1}).fit(lambda: iter(dense), X_val=batches(LABELS))


@pytest.mark.parametrize(("cls", "y"), ENSEMBLES, ids=lambda one: getattr(one, "__name__", ""))
def test_models_of_dense_samples_read_sparse_ones(cls, y):
    dense = [(batch[0].toarray(), *batch[1:]) for batch in batches(y)()]
    for given in ((X.toarray(), y), (lambda: iter(dense),)):
        models = [cls(**{**SMALL, "n_cv": 1}).fit(*given, X_val=data, y_val=y[:70]) for data in (X[:70], X[:70].toarray())]
        for data in (X, X.toarray()):
            np.testing.assert_array_equal(models[0].predict(data), models[1].predict(X))
        if hasattr(models[0], "prune"):
            pruned = [model.prune(4, data, y) for model, data in zip(models, (X, X.toarray()), strict=True)]
            np.testing.assert_array_equal(pruned[0].predict(X), pruned[1].predict(X))


def test_memory_goes_by_the_numbers_that_are_there():
    model = MLPClassifier((2,), max_iter=2, random_state=0)
    tracemalloc.start()
    try:
        model.fit(wide_batches)
        model.score(wide_batches)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()

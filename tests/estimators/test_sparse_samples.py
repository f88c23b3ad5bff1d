"""Every estimator gives the same results for sparse X and for dense X without embeddings of numbers, or refuses sparse X."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict

import nncore as nn
from nncore import estimators
from nncore.errors import ParameterError
from nncore.estimators import MLPClassifier, RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = np.where(rng.random((90, 12)) < 0.3, rng.normal(size=(90, 12)), 0)
X[:, 0] = np.where(rng.random(90) < 0.7, rng.normal(4, 1, 90), 0)  # whose median is not 0
Y = X @ np.linspace(-1, 1, 12) + 0.1 * rng.normal(size=90)
LABELS = np.where(np.median(Y) < Y, "more", "less")
S = scipy.sparse.csr_array(X)
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
#: Recipes whose networks take sparse samples.
SPARSE = {
    "td-s": {"preset": "td-s"},
    "fast": {"preset": "fast"},
    "td": {"preset": "td", "dropout": 0.0},
    "folds": {"preset": "td-s", "n_cv": 2, "n_ens": 2, "n_refit": 1},
    "no scale": {"preset": "td-s", "front_scale": False},
    "decay": {"preset": "td-s", "solver": "adamw", "weight_decay": 0.1, "lr_factors": {"scale": 3.0, "bias": 0.5, "first_layer": 2.0}},
}
both = pytest.mark.parametrize(("cls", "y"), [(RealMLPClassifier, LABELS), (RealMLPRegressor, Y)], ids=["classes", "reals"])


def small(cls, **arguments):
    known = {"max_iter": 4, "random_state": 0, "n_threads": 1, "hidden_layer_sizes": (16, 8)}
    names = cls._get_param_names()
    return cls(**{name: value for name, value in known.items() if name in names} | arguments)


def small_dense(cls, **arguments):
    """The estimator for dense samples that trains the networks of sparse ones. There is none of TabM, which scales these otherwise."""
    without = {"numerical_embedding": False} if "front_scale" in cls._get_param_names() else {}
    return small(cls, **without, **arguments)


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def assert_alike(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


CLASSES = [one for one in map(vars(estimators).get, estimators.__all__) if isinstance(one, type) and issubclass(one, BaseEstimator)]


@pytest.mark.parametrize("cls", CLASSES)
def test_any_format_gives_what_a_dense_matrix_gives_or_is_refused(cls):
    y = LABELS if is_classifier(cls()) else Y
    formats = [kind(X).asformat(name) for kind in (scipy.sparse.csr_matrix, scipy.sparse.csr_array) for name in FORMATS]
    if not cls().__sklearn_tags__().input_tags.sparse:
        for given in formats:
            with pytest.raises(TypeError, match="toarray"):
                small(cls).fit(given, y)
        return
    calm = {"dropout": 0.0} if "dropout" in cls._get_param_names() else {}  # it draws other numbers where a network has fewer layers
    dense = small_dense(cls, **calm).fit(S if "n_quantiles" in cls._get_param_names() else X, y)
    for given in formats:
        model = small(cls, **calm).fit(given, y)
        assert_alike(outputs(model, given), outputs(dense, X))
        assert model.score(given, y) == pytest.approx(dense.score(X, y), abs=1e-4)
        assert_alike(outputs(dense, given), outputs(dense, X))
        assert_alike(outputs(model, X), outputs(dense, X))


def test_the_estimators_that_read_sparse_samples_are_known():
    refusing = {cls.__name__ for cls in CLASSES if not cls().__sklearn_tags__().input_tags.sparse}
    assert refusing == {"LogisticNeuron", "Perceptron"}


@both
@pytest.mark.parametrize("way", SPARSE)
def test_networks_train_on_sparse_samples_as_on_dense_ones_without_embeddings(cls, y, way):
    weights = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    for given in ({}, {"sample_weight": weights}):
        dense, sparse = small_dense(cls, **SPARSE[way]).fit(X, y, **given), small(cls, **SPARSE[way]).fit(S, y, **given)
        assert all(network.takes_sparse for network in sparse.networks_)
        assert_alike(outputs(sparse, S), outputs(dense, X))
        assert_alike(sparse.validation_scores_, dense.validation_scores_)
        assert sparse.best_epochs_ == dense.best_epochs_


@pytest.mark.parametrize("cls", [one for one in CLASSES if "numerical_embedding" in one._get_param_names()])
def test_what_is_asked_for_and_moves_zeros_needs_dense_samples(cls):
    y = LABELS if is_classifier(cls()) else Y
    asked = [{"numerical_embedding": value} for value in (True, {})]
    if "preset" in cls._get_param_names():
        asked += [{"preset": preset, "numerical_embedding": {"sigma": 0.3}} for preset in ("fast", "td", "td-s")]
    else:
        asked += [{"n_quantiles": 100}, {"quantile_noise": 0.1}]
    for arguments in asked:
        name = [*arguments][-1]
        with pytest.raises(ParameterError, match=rf"{name}=.*, but X is sparse: leave {name} at None, or pass X.toarray\(\)"):
            small(cls, **arguments).fit(S, y)
        assert not small(cls, **arguments).__sklearn_tags__().input_tags.sparse
    assert small(cls, numerical_embedding=False).fit(S, y).networks_[0].takes_sparse


def wide(n_rows=1000, n_columns=200_000, n_each=20):
    """Samples that would take 800 MB as dense float32, with targets that can be learned."""
    rng = np.random.default_rng(2)
    columns = np.sort(rng.integers(n_columns, size=(n_rows, n_each)), axis=1)
    X = scipy.sparse.csr_array(
        (rng.random(columns.size, np.float32), columns.ravel(), np.arange(0, columns.size + 1, n_each)), shape=(n_rows, n_columns)
    )
    X.sum_duplicates()
    return X, np.arange(n_rows) % 2


WIDE = {
    "td": lambda **known: RealMLPClassifier("td", n_cv=1, **known),
    "td-s": lambda **known: RealMLPClassifier("td-s", n_cv=1, **known),
    "fast": lambda **known: RealMLPClassifier("fast", n_cv=1, **known),
    "reals": lambda **known: RealMLPRegressor(n_cv=1, **known),
    "tabm": lambda **known: TabMClassifier(n_members=2, **known),
    "tabm-mini": lambda **known: TabMRegressor("tabm-mini", n_members=2, **known),
    "mlp": MLPClassifier,
}


@pytest.mark.parametrize("kind", WIDE)
def test_memory_goes_by_the_numbers_that_are_there(kind):
    data, y = wide()
    model = WIDE[kind](hidden_layer_sizes=(2,), max_iter=2, random_state=0)
    tracemalloc.start()
    try:
        model.fit(data, y)
        outputs(model, data)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


@both
def test_validation_data_scorers_groups_and_times(cls, y):
    scorer = "accuracy" if cls is RealMLPClassifier else "neg_mean_absolute_error"
    later = {"X_val": S[60:], "y_val": y[60:]}
    ways = [
        ({}, later),
        ({}, {**later, "X_val": X[60:]}),
        ({"scoring": scorer}, later),
        ({"scoring": scorer, "n_ens": 2}, {}),
        ({"n_cv": 3}, {"groups": np.arange(90) // 5}),
        ({}, {"times": np.arange(90)}),
    ]
    for arguments, given in ways:
        dense_given = {name: value.toarray() if scipy.sparse.issparse(value) else value for name, value in given.items()}
        n = 60 if "X_val" in given else 90
        dense = small(cls, preset="td-s", **arguments).fit(X[:n], y[:n], **dense_given)
        sparse = small(cls, preset="td-s", **arguments).fit(S[:n].tocoo(), y[:n], **given)
        assert_alike(outputs(sparse, S), outputs(dense, X))


@both
def test_searches_draw_no_embeddings(cls, y, tmp_path):
    space = {"dropout": [0.0], "learning_rate_init": [0.01, 0.05]}
    arguments = {"preset": "td-s", "tune": 3, "search_space": space, "max_iter": 4}
    dense, sparse = (small(cls, **arguments, trials_file=tmp_path / name).fit(data, y) for name, data in (("d", X), ("s", S)))
    assert_alike(outputs(sparse, S), outputs(dense, X))
    for name in ("paper", "tabarena", "small"):
        found = small(cls, **{**arguments, "search_space": name, "max_iter": 1, "tune": 2}).fit(S, y)
        assert not any("numerical_embedding" in trial["params"] for trial in found.trials_[1:])
    for name in ("numerical_embedding", "numerical_embedding__sigma"):
        with pytest.raises(ParameterError, match=f"search_space draws {name}, which learns a vector .* but X is sparse"):
            small(cls, **{**arguments, "search_space": {name: [True]}}).fit(S, y)
    again = small(cls, **arguments, trials_file=tmp_path / "s").fit(S, y)
    np.testing.assert_array_equal(outputs(again, S), outputs(sparse, S))


@both
def test_files_pickles_and_single_samples(cls, y, tmp_path):
    model = small(cls, preset="td-s").fit(S, y)
    model.save(tmp_path / "model.nn")
    for twin in (cls.load(tmp_path / "model.nn"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(outputs(twin, S), outputs(model, S))
    model.export(tmp_path / "model.py")
    namespace = {}
    exec((tmp_path / "model.py").read_text(), namespace)
    exported = namespace["predict_proba" if cls is RealMLPClassifier else "predict"](X)
    assert_alike(exported, outputs(model, X))
    one = model.predict_proba_one(X[0]) if cls is RealMLPClassifier else model.predict_one(X[0])
    assert_alike(one, outputs(model, S[:1])[0])


@pytest.mark.parametrize("arguments", [{"preset": "td-s"}, {"preset": "fast"}])
def test_tools_of_scikit_learn_that_take_sparse_samples(arguments):
    model = small(RealMLPClassifier, n_cv=1, **arguments)
    tools = {
        "cross-validation": lambda data: cross_val_predict(model, data, LABELS, cv=3, method="predict_proba"),
        "search": lambda data: GridSearchCV(model, {"max_iter": [2, 3]}, cv=2).fit(data, LABELS).predict_proba(data),
        "bagging": lambda data: BaggingClassifier(model, 2, random_state=0).fit(data, LABELS).predict_proba(data),
        "calibration": lambda data: CalibratedClassifierCV(model, cv=2).fit(data, LABELS).predict_proba(data),
    }
    for tool in tools.values():
        sparse = tool(S)
        model.numerical_embedding = False
        assert_alike(sparse, tool(X))
        model.numerical_embedding = None


def test_a_model_of_dense_samples_reads_sparse_ones_in_blocks():
    model = small(RealMLPClassifier, preset="td-s").fit(X, LABELS)
    assert isinstance(model.networks_[0].layers[0], nn.Scale)
    np.testing.assert_array_equal(outputs(model, S), outputs(model, X))


def test_members_share_batches_of_sparse_samples():
    known = {"n_members": 2, "tune": 2, "search_space": {"share_training_batches": [False]}}
    for arguments in ({"share_training_batches": False}, known):
        with pytest.raises(ParameterError, match="share_training_batches=False needs dense samples in memory, but X is sparse"):
            small(TabMClassifier, **arguments).fit(S, LABELS)

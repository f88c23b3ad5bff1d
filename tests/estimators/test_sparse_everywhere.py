"""No estimator makes a sparse X dense, with any preset and in any method, unless its arguments ask for it."""

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_predict

from nncore import displays, estimators
from nncore.data import SparseSamples
from nncore.ensembles import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, WIDTH = 80, 30
X = csr_array(scipy.sparse.random(N, WIDTH, 0.15, format="csr", random_state=0))
Y = X @ np.linspace(-1, 1, WIDTH)
LABELS = np.where(np.median(Y) < Y, "more", "less")
#: Rows that may be dense at a time: those that an initializer looks at, and bytes for as many in float32.
FEW, FEW_BYTES = 8, 8 * 4 * WIDTH

CLASSES = [one for one in map(vars(estimators).get, estimators.__all__) if isinstance(one, type) and issubclass(one, BaseEstimator)]
SPARSE = [cls for cls in CLASSES if cls().__sklearn_tags__().input_tags.sparse]
SMALL = {
    "hidden_layer_sizes": (32, 8), "max_iter": 3, "n_members": 3, "n_cv": 2, "n_refit": 1, "batch_size": 16, "random_state": 0,
    "n_threads": 1,
}  # fmt: skip


def presets(cls):
    """All values of the argument that names a recipe."""
    family = FAMILIES.get(getattr(cls, "_family", ""))
    name = "preset" if "preset" in cls._get_param_names() else "arch"
    return [{}] if family is None else [{name: preset} for preset in family.presets]


CASES = [pytest.param(cls, given, id=f"{cls.__name__}-{'-'.join(given.values())}") for cls in SPARSE for given in presets(cls)]


def small(cls, given):
    names = cls._get_param_names()
    return cls(**{name: value for name, value in SMALL.items() if name in names} | given)


@pytest.fixture(autouse=True)
def _nothing_becomes_dense(monkeypatch):
    """SciPy's matrices cannot become dense, and samples only few at a time."""

    def refuse(self, *args, **kwargs):
        raise AssertionError("X has become dense")

    def few(self, rows):
        assert isinstance(rows, (int, np.integer)) or len(self.select(rows)) <= FEW, "samples have become dense"
        return rows_of(self, rows)

    rows_of = SparseSamples.__getitem__
    for kind in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia"):
        for name in (f"{kind}_array", f"{kind}_matrix"):
            monkeypatch.setattr(getattr(scipy.sparse, name), "toarray", refuse)
    monkeypatch.setattr(SparseSamples, "__getitem__", few)
    monkeypatch.setattr("nncore.program.initialisation.BATCH_BYTES", FEW_BYTES)


def test_dense_samples_would_be_noticed():
    with pytest.raises(AssertionError, match="has become dense"):
        X[:3].tocoo().toarray()
    with pytest.raises(AssertionError, match="has become dense"):
        estimators.MLPClassifier(standardize=True, max_iter=2).fit(X, LABELS)


@pytest.mark.parametrize(("cls", "given"), CASES)
def test_fits_predictions_scores_files_and_int8(cls, given, tmp_path):
    y = LABELS if is_classifier(cls()) else Y
    model = small(cls, given).fit(X, y)
    for data in (X, X.tocsc(), X[:1]):
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if hasattr(model, method):
                assert len(getattr(model, method)(data)) == data.shape[0]
    assert np.isfinite(model.score(X, y))
    assert np.isfinite(model.score(X, y, np.linspace(0, 1, N)))
    if hasattr(model, "save"):
        model.save(tmp_path / "model.nn")
        np.testing.assert_array_equal(cls.load(tmp_path / "model.nn").predict(X), model.predict(X))
    if hasattr(model, "prune"):
        model.prune(2, X, y).score(X, y)


@pytest.mark.parametrize(("cls", "given"), CASES)
def test_weights_validation_data_searches_and_copies(cls, given):
    y = LABELS if is_classifier(cls()) else Y
    model = small(cls, given)
    model.fit(X, y, np.linspace(0.1, 1, N))
    alone = {name: value for name, value in {"n_cv": None, "early_stopping": True}.items() if name in cls._get_param_names()}
    clone(model).set_params(**alone).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    clone(model).set_params(**alone).fit(X[:60], y[:60], X_val=np.ones((5, WIDTH)), y_val=y[:5])
    assert len(cross_val_predict(clone(model), X, y, cv=2)) == N
    GridSearchCV(clone(model), {"max_iter": [1, 2]}, cv=2).fit(X, y).predict(X)
    if "tune" in cls._get_param_names():
        clone(model).set_params(tune=2, max_iter=2).fit(X, y).predict(X)
    if hasattr(model, "partial_fit"):
        batch = clone(model)
        for rows in (slice(0, 40), slice(40, N)):
            classes = {"classes": np.unique(y)} if is_classifier(model) else {}
            batch.partial_fit(X[rows], y[rows], **classes)
        batch.predict(X)


@pytest.mark.parametrize(("cls", "given"), CASES)
def test_streams_and_memory_limits(cls, given):
    y = LABELS if is_classifier(cls()) else Y

    def batches():
        for start in range(0, N, 20):
            yield X[start : start + 20], y[start : start + 20]

    model = small(cls, given)
    for data in ((batches,), (X, y)):
        model.set_params(memory_limit="50 MB").fit(*data)
        assert np.isfinite(model.score(batches))
        assert len(model.predict(lambda: (batch for batch, _ in batches()))) == N


@pytest.mark.parametrize("cls", SPARSE)
def test_displays(cls):
    y = LABELS if is_classifier(cls()) else Y
    model = small(cls, {}).fit(X, y)
    shown = displays.ConfusionDisplay if is_classifier(model) else displays.ResidualsDisplay
    shown.from_estimator(model, X, y)

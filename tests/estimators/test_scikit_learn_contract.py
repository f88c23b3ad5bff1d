"""scikit-learn's requirements for every estimator, checked for those of two classes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nncore.errors import DataError
from nncore.estimators import LogisticNeuron, Perceptron

ESTIMATORS = [Perceptron(random_state=0), LogisticNeuron(random_state=0)]
both = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)

# scikit-learn's checks fit classes that overlap (no perceptron converges) or can be separated (logistic regression has no optimum).
no_optimum = pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning")


@no_optimum
@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.fixture
def overlapping():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(80, 3)) * [1, 10, 0.1]
    return X, (X[:, 0] + rng.normal(size=80) > 0).astype(int)


@both
@no_optimum
def test_pickle_copy_and_clone(estimator, overlapping):
    X, y = overlapping
    model = clone(estimator).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), clone(model).fit(X, y)):
        assert twin.get_params() == model.get_params()
        assert twin.decision_function(X).tobytes() == model.decision_function(X).tobytes()
    assert not hasattr(clone(model), "coef_")


@both
@no_optimum
def test_fit_twice_is_fit_once(estimator, overlapping):
    X, y = overlapping
    once, twice = clone(estimator).fit(X, y), clone(estimator).fit(X[:50, :2], y[:50]).fit(X, y)
    assert once.coef_.tobytes() == twice.coef_.tobytes()
    assert once.intercept_.tobytes() == twice.intercept_.tobytes()


@both
@no_optimum
def test_pandas(estimator, overlapping):
    X, y = overlapping
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype(np.float32), "c": np.arange(80)})
    labels = pd.Series(np.where(y == 1, "up", "down"), dtype="category")
    model = clone(estimator).fit(frame, labels)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert model.n_features_in_ == 3
    assert set(model.predict(frame)) <= {"up", "down"}
    reference = clone(estimator).fit(frame.to_numpy(np.float64), labels.to_numpy())
    assert reference.coef_.tobytes() == model.coef_.tobytes()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["c", "a", "b"]])


@both
@no_optimum
@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [-1.0, 1.0], [3, -2], np.array(["a", "b"], object)])
def test_labels_of_any_kind(estimator, labels, overlapping):
    X, y = overlapping
    y = np.asarray(labels)[y]
    model = clone(estimator).fit(X, y)
    assert model.classes_.tolist() == sorted(labels)
    assert model.predict(X).dtype == y.dtype
    assert (model.predict(X) == np.where(model.decision_function(X) > 0, max(labels), min(labels))).all()
    assert model.score(X, y) == (model.predict(X) == y).mean() > 0.7


@both
@no_optimum
def test_shapes_and_dtypes(estimator, overlapping):
    X, y = overlapping
    model = clone(estimator).fit(X.astype(np.float32), y)
    assert model.coef_.shape == (1, 3)
    assert model.intercept_.shape == (1,)
    assert model.coef_.dtype == model.intercept_.dtype == model.decision_function(X).dtype == np.float64
    np.testing.assert_allclose(model.decision_function(X), X @ model.coef_[0] + model.intercept_[0], rtol=1e-12, atol=1e-12)
    assert model.predict(X[:1]).shape == (1,)


@both
@no_optimum
def test_nothing_of_the_users_is_changed(estimator, overlapping):
    X, y = overlapping
    before = X.copy(), y.copy()
    clone(estimator).fit(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@both
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0], [1.0], [2.0]], [0, 1, 2], "Only binary classification is supported.*3 classes"),
        ([[0.0], [1.0], [2.0]], [5, 5, 5], "only one class"),
        ([[0.0], [np.nan], [2.0]], [0, 1, 1], "NaN at row 1, column 0"),
        ([[0.0], [1.0], [-np.inf]], [0, 1, 1], "inf at row 2, column 0"),
        ([[0.0], [1.0], [1e300]], [0, 1, 1], "scale the features"),
    ],
)
def test_bad_data_leaves_the_estimator_unfitted(estimator, X, y, message):
    model = clone(estimator)
    with pytest.raises(DataError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coef_")
    assert not hasattr(model, "classes_")


@both
@no_optimum
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_prediction_refuses_what_training_refuses(estimator, value, overlapping):
    X, y = overlapping
    model = clone(estimator).fit(X, y)
    X[4, 2] = value
    for method in ("predict", "decision_function"):
        with pytest.raises(DataError, match="row 4, column 2"):
            getattr(model, method)(X)


@both
@no_optimum
def test_inside_scikit_learns_tools(estimator, overlapping):
    X, y = overlapping
    assert cross_val_score(make_pipeline(StandardScaler(), clone(estimator)), X, y, cv=3).mean() > 0.6
    search = GridSearchCV(clone(estimator), {"max_epochs": [1, 200]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.6
    three = OneVsRestClassifier(clone(estimator)).fit([[0, 0], [0, 9], [9, 0], [1, 0], [0, 8], [8, 1]], [0, 1, 2, 0, 1, 2])
    assert three.predict([[0, 0], [0, 9], [9, 0]]).tolist() == [0, 1, 2]


def test_without_scikit_learn_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import nncore\n"
        "from nncore.errors import MissingExtraError\n"
        "try:\n"
        "    nncore.estimators\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == 'nncore.estimators needs sklearn: pip install "nncore-ml[sklearn]"'

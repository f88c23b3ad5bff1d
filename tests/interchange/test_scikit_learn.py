"""`nncore.from_sklearn`: converted perceptrons of scikit-learn predict the same."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import nncore as nn
from nncore.errors import DataError, NotBuiltError, ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.*not converged:UserWarning")

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
DTYPES = (np.float64, np.float32)
#: Tolerance for numbers near 1 that are summed in another order.
ROUNDING = {np.float64: 1e-13, np.float32: 3e-5}


def samples(dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(120, 5)).astype(dtype)


def class_targets() -> dict[str, Any]:
    X, rng = samples(), np.random.default_rng(1)
    return {
        "two texts": np.where(X[:, 0] > 0, "yes", "no"),
        "two objects": np.where(X[:, 0] > 0, "yes", "no").astype(object),
        "truth": X[:, 0] > 0,
        "four numbers": rng.integers(0, 4, 120) * 3,
        "labels": (X[:, :3] > 0).astype(int),
        "one label": (X[:, :1] > 0).astype(int).ravel(),
        "sparse labels": csr_matrix((X[:, :3] > 0).astype(int)),
    }


def plain(values: Any) -> np.ndarray:
    return values.toarray() if issparse(values) else np.asarray(values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("target", class_targets())
def test_a_classifier_predicts_the_same(target: str, activation: str, dtype: Any) -> None:
    X, y = samples(dtype), class_targets()[target]
    theirs = MLPClassifier((7, 3), activation, max_iter=8, random_state=0).fit(X, y)
    ours = nn.from_sklearn(theirs)
    assert isinstance(ours, nn.estimators.MLPClassifier)
    assert ours.network_.dtype == dtype
    answers = ours.predict(X)
    assert issparse(answers) == issparse(y)
    np.testing.assert_array_equal(plain(answers), plain(theirs.predict(X)))
    assert answers.dtype == theirs.predict(X).dtype
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=ROUNDING[dtype])
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.score(X, y) == theirs.score(X, y)
    np.testing.assert_array_equal(ours.predict_one(X[0]), plain(theirs.predict(X[:1]))[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_regressor_predicts_the_same(n_targets: int, loss: str, dtype: Any) -> None:
    X = samples(dtype)
    y = np.abs(X[:, 0] if n_targets == 1 else X[:, :2])
    theirs = MLPRegressor(loss, (7,), "tanh", max_iter=8, random_state=0).fit(X, y)
    ours = nn.from_sklearn(theirs)
    assert ours.predict(X).shape == theirs.predict(X).shape
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=ROUNDING[dtype])


def test_what_a_fit_leaves_is_there() -> None:
    X, y = samples(), class_targets()["four numbers"]
    theirs = MLPClassifier((6,), max_iter=9, early_stopping=True, alpha=0.5, random_state=0).fit(X, y)
    ours = nn.from_sklearn(theirs)
    for name in (
        "loss_curve_",
        "validation_scores_",
        "best_validation_score_",
        "n_iter_",
        "t_",
        "n_layers_",
        "n_outputs_",
        "n_features_in_",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.out_activation_ == theirs.out_activation_
    for own, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_array_equal(own, other)
    assert theirs.get_params().items() <= ours.get_params().items()
    assert ours.loss_curve_ is not theirs.loss_curve_


def test_the_model_is_left_alone() -> None:
    X, y = samples(), class_targets()["truth"]
    theirs = MLPClassifier((6,), max_iter=3, random_state=0).fit(X, y)
    before = pickle.dumps(theirs)
    ours = nn.from_sklearn(theirs).partial_fit(X, y)
    assert pickle.dumps(theirs) == before
    assert not np.array_equal(ours.coefs_[0], theirs.coefs_[0])


def test_a_scaler_before_it_comes_along() -> None:
    numbers = samples() * [1, 10, 100, 0.1, 3] + [0, 5, 1e6, 2, 1e9]
    X, y = pd.DataFrame(numbers, columns=list("abcde")), class_targets()["four numbers"]
    theirs = make_pipeline(StandardScaler(), MLPClassifier((7,), max_iter=8, random_state=0)).fit(X, y)
    ours = nn.from_sklearn(theirs)
    assert ours.standardize
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(ours.feature_names_in_, X.columns)
    np.testing.assert_allclose(ours.predict_proba_one(numbers[0]), theirs.predict_proba(X)[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("scaler", [StandardScaler(with_mean=False), StandardScaler(with_std=False), "passthrough"])
def test_half_a_scaler_comes_along(scaler: Any) -> None:
    X, y = samples() * 7 + 3, class_targets()["truth"]
    theirs = make_pipeline(scaler, MLPClassifier((7,), max_iter=8, random_state=0)).fit(X, y)
    np.testing.assert_allclose(nn.from_sklearn(theirs).predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-13)


def test_it_is_an_estimator_like_any_other(tmp_path: Path) -> None:
    X, y = samples(), class_targets()["two texts"]
    ours = nn.from_sklearn(MLPClassifier((7,), max_iter=8, random_state=0).fit(X, y))
    again = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(again.predict_proba(X), ours.predict_proba(X))
    np.testing.assert_array_equal(copy.deepcopy(ours).predict(X), ours.predict(X))
    clone(ours).fit(X, y)
    before = ours.score(X, y)
    ours.set_params(warm_start=True, max_iter=20).fit(X, y)
    assert ours.score(X, y) >= before


def test_parameters_that_were_set_after_the_fit_count_as_in_scikit_learn() -> None:
    X, y = samples(), class_targets()["truth"]
    theirs = MLPClassifier((7, 3), max_iter=8, random_state=0).fit(X, y).set_params(hidden_layer_sizes=(9,), activation="tanh")
    ours = nn.from_sklearn(theirs)
    assert ours.hidden_layer_sizes == (7, 3)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-13)


def test_missing_numbers_are_refused_as_by_the_model() -> None:
    X, y = samples(), class_targets()["truth"]
    for theirs in (MLPClassifier((7,), max_iter=3), make_pipeline(StandardScaler(), MLPClassifier((7,), max_iter=3))):
        ours = nn.from_sklearn(theirs.fit(X, y))
        with pytest.raises(DataError, match="NaN"):
            ours.predict(np.where(X > 1, np.nan, X))


class Own(MLPClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(X)[::-1]


class Named(MLPClassifier):
    """A subclass with the same predictions."""


def test_a_subclass_is_taken_unless_it_predicts_in_its_own_way() -> None:
    X, y = samples(), class_targets()["truth"]
    theirs = Named((7,), max_iter=3).fit(X, y)
    np.testing.assert_array_equal(nn.from_sklearn(theirs).predict(X), theirs.predict(X))
    with pytest.raises(ParameterError, match="its own predict"):
        nn.from_sklearn(Own((7,), max_iter=3).fit(X, y))


def test_what_is_no_perceptron_is_named_with_a_remedy() -> None:
    X, y = samples(), samples()[:, 0]
    with pytest.raises(ParameterError, match=r"got 'model\.pkl': load the model first"):
        nn.from_sklearn("model.pkl")
    with pytest.raises(ParameterError, match="keep other models"):
        nn.from_sklearn(LogisticRegression().fit(X, y > 0))
    with pytest.raises(ParameterError, match="pass its regressor_"):
        nn.from_sklearn(TransformedTargetRegressor(MLPRegressor(hidden_layer_sizes=(3,), max_iter=3)).fit(X, y))
    for model in (MLPClassifier(), make_pipeline(StandardScaler(), MLPClassifier())):
        with pytest.raises(NotBuiltError, match="is not fitted"):
            nn.from_sklearn(model)
    pipeline = make_pipeline(MinMaxScaler(), StandardScaler(), MLPClassifier((3,), max_iter=3)).fit(X, y > 0)
    with pytest.raises(ParameterError, match=r"(?s)step 'minmaxscaler' \(MinMaxScaler\).*keep the steps before it"):
        nn.from_sklearn(pipeline)
    one_class = MLPClassifier((3,), max_iter=3).fit(X, np.zeros(len(X)))
    with pytest.raises(ParameterError, match="only one class"):
        nn.from_sklearn(one_class)


def test_an_activation_put_into_scikit_learns_table_is_named() -> None:
    theirs = MLPClassifier((3,), max_iter=3).fit(samples(), class_targets()["truth"])
    theirs.activation = "gaussian"
    with pytest.raises(ParameterError, match="'gaussian' is not one of scikit-learn's"):
        nn.from_sklearn(theirs)

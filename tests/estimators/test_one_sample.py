"""`predict_one` and `predict_proba_one` give the results of `predict` and `predict_proba` for one sample."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

from nncore import estimators
from nncore.errors import DataError, ShapeError
from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor, MPNeuron, Perceptron

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
CLASSES = np.array(["a", "b", "c"])[rng.integers(3, size=60)]
YES = X[:, 0] > 0
QUICK: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}

CASES = [
    (MLPClassifier(**QUICK), CLASSES),
    (MLPClassifier(**QUICK), YES),
    (MLPClassifier(**QUICK, standardize=True), CLASSES),
    (MLPClassifier(**QUICK, dtype="float32"), CLASSES),
    (MLPClassifier(**QUICK, loss="hinge"), YES),
    (MLPClassifier(**QUICK), np.column_stack([YES, ~YES, X[:, 1] > 0]).astype(int)),
    (MLPClassifier(**QUICK), np.column_stack([CLASSES, np.where(YES, "yes", "no")])),
    (MLPClassifier(**QUICK), np.zeros(60)),
    (MLPRegressor(**QUICK), X[:, 0]),
    (MLPRegressor(**QUICK), X[:, :2]),
    (MLPRegressor({"name": "quantile", "quantiles": (0.1, 0.9)}, **QUICK), X[:, 0]),
    (MLPRegressor("poisson", **QUICK), abs(X[:, 0])),
    (MLPRegressor("gaussian_nll", **QUICK), X[:, 0]),
    (Perceptron(random_state=0, max_epochs=20), YES),
    (LogisticNeuron(max_epochs=20), YES),
]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::nncore.errors.ConvergenceWarning")


def same(one: Any, of_many: Any) -> None:
    parts = zip(one, of_many, strict=True) if isinstance(of_many, list) else [(one, of_many)]
    for part, rows in parts:
        row = rows[0]
        assert np.shape(part) == row.shape
        assert np.asarray(part).dtype == row.dtype
        if row.dtype.kind == "f":
            np.testing.assert_allclose(part, row, rtol=1e-6)
        else:
            np.testing.assert_array_equal(part, row)


@pytest.mark.parametrize(("model", "y"), CASES, ids=[f"{type(model).__name__}-{index}" for index, (model, _) in enumerate(CASES)])
def test_one_sample_gets_what_it_gets_among_others(model: Any, y: Any) -> None:
    model.fit(X, y)
    before = pickle.dumps(model)
    for x in (X[7], X[7].astype(np.float32), X[7].tolist(), tuple(X[7]), np.repeat(X[7], 2)[::2], np.array([1, 0, 2, 1])):
        row = np.asarray(x)[np.newaxis]
        same(model.predict_one(x), model.predict(row))
        if hasattr(model, "predict_proba"):
            same(model.predict_proba_one(x), model.predict_proba(row))
    assert hasattr(model, "predict_proba_one") == hasattr(model, "predict_proba")
    assert pickle.dumps(model) == before


def test_every_estimator_that_predicts_has_it() -> None:
    for name in estimators.__all__:
        cls = getattr(estimators, name)
        for method in ("predict", "predict_proba"):
            assert hasattr(cls, method) == hasattr(cls, f"{method}_one"), name


def test_labels_from_a_sparse_matrix() -> None:
    model = MLPClassifier(**QUICK).fit(X, csr_matrix(X > 0.3))
    np.testing.assert_array_equal(model.predict_one(X[0]), model.predict(X[:1]).toarray()[0])


def test_a_neuron_with_given_weights() -> None:
    neuron = MPNeuron([[1, 1], [1, 1]], bias=-3.5)
    assert neuron.predict_one([[1, 1], [1, 1]]) == 1
    assert neuron.predict_one([1, 1, 1, 0]) == 0
    with pytest.raises(ShapeError, match="4 numbers a sample"):
        neuron.predict_one([1, 1])


@pytest.mark.parametrize("model", [MLPRegressor(**QUICK), MLPRegressor(**QUICK, standardize=True)], ids=["as it is", "standardised"])
def test_a_missing_number_is_filled_as_in_predict(model: MLPRegressor) -> None:
    model.fit(X, X[:, 0])
    x = X[3].copy()
    x[1] = np.nan
    assert model.predict_one(x) == model.predict(x[None])[0]
    holes = X.copy()
    holes[::5, 2] = np.nan
    model.fit(holes, X[:, 0])
    assert model.predict_one(holes[5]) == model.predict(holes[5:6])[0]
    assert model.predict_one(x) == model.predict(x[None])[0]


@pytest.mark.parametrize(
    "model", [MLPClassifier(**QUICK), MLPClassifier(**QUICK, standardize=True), MLPRegressor(**QUICK), Perceptron(random_state=0)]
)
def test_what_predict_refuses(model: Any) -> None:
    model.fit(X, YES)
    with pytest.raises(ValueError, match="features"):
        model.predict_one(X[0, :3])
    with pytest.raises(ValueError, match="inf"):
        model.predict_one(np.array([0, 1, np.inf, 0]))
    for several in (X[:2], X[:1], 1.0):
        with pytest.raises(ShapeError, match="x must be one sample"):
            model.predict_one(several)
    with pytest.raises(ValueError, match=r"could not convert|not a number"):
        model.predict_one([1.0, 2.0, 3.0, "red"])
    with pytest.raises(NotFittedError):
        type(model)().predict_one(X[0])


def test_a_number_too_large_for_the_network() -> None:
    model = MLPRegressor(**QUICK, dtype="float32").fit(X, X[:, 0])
    with pytest.raises(DataError, match="too large for float32"):
        model.predict_one(np.array([1e300, 0, 0, 0]))
    with pytest.raises(DataError, match="scale the features"):
        LogisticNeuron(max_epochs=5).fit(X, YES).predict_one(np.array([1e300, 0, 0, 0]))


def test_rows_of_frames() -> None:
    frame = pd.DataFrame({"n": X[:, 0], "kind": CLASSES, "m": X[:, 1]})
    model = MLPClassifier(**QUICK).fit(frame, YES)
    for index in range(5):
        assert model.predict_one(frame.iloc[index]) == model.predict(frame.iloc[index : index + 1])[0]
    with pytest.raises(ValueError, match="feature names"):
        model.predict_one(frame.iloc[0].rename({"n": "other"}))
    numbers = MLPClassifier(**QUICK).fit(frame[["n", "m"]], YES)
    assert numbers.predict_one(frame[["n", "m"]].iloc[2]) == numbers.predict(frame[["n", "m"]][2:3])[0]
    assert numbers.predict_one(X[2, :2]) == numbers.predict(frame[["n", "m"]][2:3])[0]  # in the order of the columns, without names

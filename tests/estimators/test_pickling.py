"""A fitted estimator can be pickled, with the same bits, and saved by skops, which requires plain types."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from nncore import estimators
from nncore.estimators import (
    LogisticNeuron,
    MLPClassifier,
    MLPRegressor,
    MPNeuron,
    Perceptron,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning", "ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b"]).assign(c=np.where(Y, "u", "v"), d=np.where(X[:, 1] > 1, np.nan, X[:, 1]))
MANY = pd.DataFrame({"a": X[:, 0], "c": [str(i % 12) for i in range(40)]})

MODELS: dict[str, tuple[Any, Any, Any]] = {
    "steps": (MLPClassifier((3,), max_iter=2), X, Y),
    "table": (MLPClassifier((3,), max_iter=2, early_stopping=True, standardize=True), FRAME, np.where(Y, "yes", "no")),
    "embedding": (MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, dropout=0.1, normalization="batch_norm"), MANY, X[:, 1]),
    "lbfgs": (MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=3), X, X),
    "several targets": (MLPClassifier((3,), max_iter=2), X, np.stack([Y, Y % 3], axis=1)),
    "quantiles": (MLPRegressor({"name": "quantile", "quantiles": (0.1, 0.9)}, (3,), max_iter=2), X, X[:, 0]),
    "schedule and groups": (
        MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, solver="momentum", learning_rate="cosine", groups={"*.bias": {"lr": 0.1}}),
        X, X[:, 0],
    ),
    "ensemble of classes": (RealMLPClassifier("fast", max_iter=2), FRAME, np.where(Y, "yes", "no")),
    "ensemble of reals": (RealMLPRegressor("td", n_cv=2, max_iter=2), MANY, X[:, 1]),
    "ensemble in a network": (TabMClassifier(n_members=3, hidden_layer_sizes=(4,), max_iter=2), FRAME, np.where(Y, "yes", "no")),
    "ensemble of reals in a network": (TabMRegressor(n_members=3, hidden_layer_sizes=(4,), max_iter=2), FRAME, X[:, 1]),
    "perceptron": (Perceptron(record_updates=True, random_state=0), X, Y),
    "logistic": (LogisticNeuron(max_epochs=5), X, Y),
    "by hand": (MPNeuron([1.0, 2.0]), X, None),
}  # fmt: skip


def fitted(name: str) -> tuple[Any, Any]:
    model, inputs, y = MODELS[name]
    return (model if y is None else clone(model).fit(inputs, y)), inputs


def answers(model: Any, inputs: Any) -> list[bytes]:
    methods = [method for method in ("predict", "predict_proba", "decision_function") if hasattr(model, method)]
    return [np.asarray(getattr(model, method)(inputs)).tobytes() for method in methods]


def by_joblib(model: Any) -> Any:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    stream.seek(0)
    return joblib.load(stream)


def by_skops(model: Any) -> Any:
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    names = skops.get_untrusted_types(data=data)
    own = f"{type(model).__module__}.{type(model).__qualname__}"
    assert set(names) - {"nncore.activations.step.Step"} == {own}  # only the estimator, and the user's objects, need to be trusted
    return skops.loads(data, trusted=names)


WAYS: list[Callable[[Any], Any]] = [
    lambda model: pickle.loads(pickle.dumps(model)), by_joblib, lambda model: cloudpickle.loads(cloudpickle.dumps(model)), by_skops,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=["pickle", "joblib", "cloudpickle", "skops"])
@pytest.mark.parametrize("name", MODELS)
def test_what_comes_back_answers_with_the_same_bits(name: str, way: Callable[[Any], Any]) -> None:
    model, inputs = fitted(name)
    copy = way(model)
    assert answers(copy, inputs) == answers(model, inputs)
    assert vars(copy).keys() == vars(model).keys()
    if hasattr(model, "history_"):
        assert copy.history_.to_dict() == model.history_.to_dict()
        copy.history_.append(loss=1.0)


def test_there_is_a_model_of_every_estimator() -> None:
    classes = {name for name in estimators.__all__ if isinstance(getattr(estimators, name), type)}
    assert {type(model).__name__ for model, _, _ in MODELS.values()} == classes


@pytest.mark.parametrize("model", [RealMLPClassifier(n_cv=2, max_iter=2), TabMClassifier(max_iter=2)], ids=repr)
def test_of_a_trained_ensemble_nothing_large_is_kept_but_parameters(model: Any, tmp_path: Path) -> None:
    model.fit(X, Y).save(tmp_path / "model.nncore")
    n_bytes = sum(network.parameters.nbytes for network in model.networks_)
    assert len(pickle.dumps(model)) < 1.1 * n_bytes
    assert (tmp_path / "model.nncore").stat().st_size < 1.1 * n_bytes

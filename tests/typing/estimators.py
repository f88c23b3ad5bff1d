"""Types of the estimators for type checkers; read by mypy in test_typing.py, never run. scikit-learn itself has no types."""

from __future__ import annotations

from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import nncore as nn
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

X = np.zeros((8, 3))
y = np.zeros(8, np.int64)


def estimators() -> None:
    classifier = MLPClassifier(hidden_layer_sizes=(16,), activation=["relu"], solver="adamw", dropout=0.1, random_state=0)
    assert_type(classifier.fit(X, y, X_val=X, y_val=y), MLPClassifier)
    assert_type(classifier.partial_fit(X, y, classes=[0, 1]), MLPClassifier)
    assert_type(classifier.predict_proba(X), NDArray[np.floating] | list[NDArray[np.floating]])
    assert_type(classifier.score(X, y), float)
    assert_type(MLPRegressor(loss="huber").fit(X, y), MLPRegressor)
    assert_type(RealMLPClassifier("fast", n_cv=4, label_smoothing=0.1).fit(X, y, X_val=X, y_val=y), RealMLPClassifier)
    assert_type(RealMLPRegressor(loss="poisson").fit(X, y, exposure=y), RealMLPRegressor)
    assert_type(TabMClassifier("tabm-mini", n_members=8).fit(X, y).prune(4), TabMClassifier)
    assert_type(TabMRegressor(loss="poisson").fit(X, y, exposure=y), TabMRegressor)
    assert_type(Perceptron().fit(X, y), Perceptron)
    assert_type(LogisticNeuron().fit(X, y), LogisticNeuron)
    assert_type(MPNeuron([1.0, 1.0], bias=-1.5).predict(X).dtype, np.dtype[np.float64])


def components() -> None:
    """Names of scikit-learn, of nncore and of plugins, instances, and functions."""
    MLPClassifier(activation="logistic", solver="lbfgs", learning_rate="adaptive", loss="log_loss", scoring="f1_macro")
    MLPClassifier(activation=["snake", nn.get("activations", "relu")], solver=nn.Adam(), callbacks=[nn.EMA(), "csv"], layers=["rescale"])
    MLPRegressor(loss="squared_error", learning_rate={"lr": "cosine"}, scoring=lambda estimator, X, y: 0.0, normalization="batch_norm")
    RealMLPClassifier(solver="signum", dropout_schedule=nn.Cosine(), label_smoothing_schedule="flat_cosine")
    TabMRegressor(loss=nn.Huber, scoring="r2", callbacks=[print])
    LogisticNeuron(optimizer=nn.SGD)


def refused() -> None:
    MLPClassifier((16,), "relu", "adam")  # type: ignore[call-arg]
    MLPClassifier(layer_sizes=(16,))  # type: ignore[call-arg]
    MLPRegressor().fit()  # type: ignore[call-arg]
    MPNeuron()  # type: ignore[call-arg]
    MLPClassifier(solver=nn.ReLU)  # type: ignore[attr-defined]
    MLPClassifier(solver=nn.Cosine())  # type: ignore[arg-type]
    MLPRegressor(callbacks=[nn.Adam()])  # type: ignore[list-item]

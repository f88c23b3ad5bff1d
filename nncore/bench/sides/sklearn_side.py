"""scikit-learn's MLPClassifier and MLPRegressor."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from . import data, estimators

#: Steps timed together at most; no step of scikit-learn's is short enough to need more.
N_STEPS = 256

_ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        del n_threads, flavour  # BLAS takes its number of threads from the environment
        self.versions = {"scikit-learn": sklearn.__version__}

    def training(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = data.samples(task)
        n_steps = min(len(X) // task["batch"], N_STEPS)
        X, y = X[: n_steps * task["batch"]], y[: n_steps * task["batch"]]
        model = _model(task)
        _pass(model, task, X, y)

        def run() -> float:
            start = time.perf_counter()
            model.partial_fit(X, y)
            return (time.perf_counter() - start) / n_steps

        return run

    def prediction(self, task: dict[str, Any]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        X, y = data.samples(task)
        model = _model(task)
        _pass(model, task, X, y)
        return model.predict if task["loss"] == "mse" else model.predict_proba, X

    def estimator(self, task: dict[str, Any]) -> tuple[Callable[[Any], object], Any]:
        return estimators.call(MLPClassifier, task)

    def fit(self, task: dict[str, Any]) -> Callable[[], float]:
        return estimators.fit(MLPClassifier, task)


def _model(task: dict[str, Any]) -> Any:
    if task["activation"] not in _ACTIVATIONS:
        raise ValueError(f"it has no {task['activation']}")
    kind = MLPRegressor if task["loss"] == "mse" else MLPClassifier
    hidden = tuple(task["widths"][1:-1])
    return kind(hidden_layer_sizes=hidden, activation=_ACTIVATIONS[task["activation"]], alpha=0, batch_size=task["batch"], random_state=0)


def _pass(model: Any, task: dict[str, Any], X: np.ndarray, y: np.ndarray) -> None:
    """The first pass, which makes the parameters."""
    model.partial_fit(X, y, **({} if task["loss"] == "mse" else {"classes": np.arange(task["widths"][-1])}))

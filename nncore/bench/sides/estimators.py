"""Calls and fits of an ``MLPClassifier``, scikit-learn's or nncore's, which take the same arguments."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV

#: Candidates of the grid search.
GRID = {"alpha": [1e-5, 1e-3, 1e-1], "learning_rate_init": [1e-3, 1e-2]}
#: Epochs of the estimator whose calls are timed.
CALLED_EPOCHS = 5


def call(kind: Any, task: dict[str, Any]) -> tuple[Callable[[Any], object], Any]:
    """A method of a fitted estimator and what to call it with."""
    X, y = load_digits(return_X_y=True)
    container = _frame if task["container"] == "frame" else np.asarray
    model = kind(max_iter=CALLED_EPOCHS, random_state=0).fit(container(X), y)
    rows = container(np.resize(X, (task["rows"], X.shape[1])))
    if task["method"] != "predict_one":
        return getattr(model, task["method"]), rows
    return (model.predict_one, rows[0]) if hasattr(model, "predict_one") else (model.predict, rows)


def _frame(X: np.ndarray) -> Any:
    import pandas as pd

    return pd.DataFrame(X, columns=[f"pixel_{i}" for i in range(X.shape[1])])


def fit(kind: Any, task: dict[str, Any]) -> Callable[[], float]:
    """A function that fits from the beginning and returns the seconds that took."""
    load, make = FITS[task["fit"]]
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)

    def run() -> float:
        model = make(kind)
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start

    return run


def _search(kind: Any, n_jobs: int | None) -> Any:
    return GridSearchCV(kind(hidden_layer_sizes=(16,), max_iter=100, random_state=0), GRID, cv=3, n_jobs=n_jobs)


class _InThreads:
    """A model whose tasks joblib runs in threads of this process."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        with parallel_config("threading"):
            self.model.fit(X, y)


def _bag(kind: Any) -> _InThreads:
    return _InThreads(BaggingClassifier(kind(hidden_layer_sizes=(32,), max_iter=20), 10, n_jobs=2, random_state=0))


#: Data and model by the name of a fit, see `nncore.bench.sections`.
FITS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "grid search, small networks, n_jobs=None": (load_iris, lambda kind: _search(kind, None)),
    "grid search, small networks, n_jobs=2": (load_iris, lambda kind: _search(kind, 2)),
    "10 bagged networks, digits, threads, n_jobs=2": (load_digits, _bag),
    "digits at the defaults": (load_digits, lambda kind: kind(random_state=0)),
    "iris": (load_iris, lambda kind: kind(random_state=0)),
    "digits by L-BFGS": (load_digits, lambda kind: kind(solver="lbfgs", random_state=0)),
}

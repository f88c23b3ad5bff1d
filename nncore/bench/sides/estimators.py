"""Calls and fits of an ``MLPClassifier``, scikit-learn's or nncore's, which take the same arguments."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import parallel_config
from scipy.sparse import csr_matrix
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
    X, y = load()

    def run() -> float:
        model = make(kind)
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start

    return run


def _scaled(load: Callable[..., Any]) -> Callable[[], Any]:
    """A data set of scikit-learn with columns of mean 0 and standard deviation 1."""

    def scaled() -> tuple[np.ndarray, np.ndarray]:
        X, y = load(return_X_y=True)
        return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9), y

    return scaled


def _sparse(n_rows: int, n_columns: int) -> Callable[[], Any]:
    """A sparse matrix in float32, in which one number in a thousand is there, and two classes."""

    def made() -> tuple[csr_matrix, np.ndarray]:
        rng, of_row = np.random.default_rng(0), n_columns // 1000
        numbers, columns = rng.random(n_rows * of_row, np.float32), rng.integers(n_columns, size=n_rows * of_row)
        X = csr_matrix((numbers, columns, np.arange(0, n_rows * of_row + 1, of_row)), shape=(n_rows, n_columns))
        X.sum_duplicates()
        return X, rng.integers(2, size=n_rows)

    return made


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
FITS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "grid search, small networks, n_jobs=None": (_scaled(load_iris), lambda kind: _search(kind, None)),
    "grid search, small networks, n_jobs=2": (_scaled(load_iris), lambda kind: _search(kind, 2)),
    "10 bagged networks, digits, threads, n_jobs=2": (_scaled(load_digits), _bag),
    "digits at the defaults": (_scaled(load_digits), lambda kind: kind(random_state=0)),
    "iris": (_scaled(load_iris), lambda kind: kind(random_state=0)),
    "digits by L-BFGS": (_scaled(load_digits), lambda kind: kind(solver="lbfgs", random_state=0)),
    "sparse, 5,000 × 20,000": (_sparse(5000, 20_000), lambda kind: kind(max_iter=3, random_state=0)),
    "sparse, 2,000 × 100,000": (_sparse(2000, 100_000), lambda kind: kind(max_iter=3, random_state=0)),
}

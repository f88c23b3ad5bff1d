"""scikit-learn's searches, cross-validation and ensembles that fit several estimators at once in threads."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor
from nncore.plugin import Callback
from nncore.testing import team_of

X, Y = load_iris(return_X_y=True)


def small(**arguments: Any) -> MLPClassifier:
    return MLPClassifier((8,), max_iter=12, tol=0, random_state=0, **arguments)


def numbers_of(model: Any) -> list[np.ndarray]:
    """All trained numbers of a fitted estimator."""
    if isinstance(model, GridSearchCV):
        scores = [value for name, value in sorted(model.cv_results_.items()) if name.endswith("_test_score")]
        return [*scores, *numbers_of(model.best_estimator_)]
    if isinstance(model, BaggingClassifier):
        return [values for member in model.estimators_ for values in numbers_of(member)]
    return [*model.coefs_, *model.intercepts_, np.array(model.loss_curve_)]


def searched(model: Any, n_jobs: int | None = None) -> Any:
    grid = {"alpha": [1e-4, 1e-1], "learning_rate_init": [0.001, 0.01]}
    return GridSearchCV(model, grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, Y)


def bagged(n_jobs: int | None = None) -> BaggingClassifier:
    return BaggingClassifier(MLPClassifier((8,), max_iter=12, tol=0), 6, random_state=0, n_jobs=n_jobs)


CASES: dict[str, Callable[[int | None], list[np.ndarray]]] = {
    "search": lambda n_jobs: numbers_of(searched(small(), n_jobs)),
    "search with early stopping": lambda n_jobs: numbers_of(searched(small(early_stopping=True), n_jobs)),
    "cross-validation by L-BFGS": lambda n_jobs: [cross_val_score(small(solver="lbfgs"), X, Y, cv=5, n_jobs=n_jobs)],
    "cross-validation": lambda n_jobs: [cross_val_score(make_pipeline(StandardScaler(), small()), X, Y, cv=5, n_jobs=n_jobs)],
    "cross-validation of one neuron": lambda n_jobs: [cross_val_score(LogisticNeuron(20), X, Y == 0, cv=4, n_jobs=n_jobs)],
    "ensemble": lambda n_jobs: numbers_of(bagged(n_jobs).fit(X, Y)),
    "search among ensembles": lambda n_jobs: numbers_of(
        GridSearchCV(bagged(n_jobs and 2), {"estimator__alpha": [1e-4, 1.0]}, cv=2, n_jobs=n_jobs, error_score="raise").fit(X, Y)
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::nncore.errors.ConvergenceWarning")
@pytest.mark.parametrize("team", [None, 3])
@pytest.mark.parametrize("case", CASES)
def test_threads_find_the_same_bits_as_one_after_the_other(case: str, team: int | None) -> None:
    expected = CASES[case](None)
    with parallel_config("threading"), team_of(team) if team else parallel_config():
        found = CASES[case](3)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


class Epochs(Callback):
    """Counts the epochs of its fits; an estimator hands a copy to each, and `heard` is common to all copies."""

    def __init__(self, heard: Any) -> None:
        self.heard = heard

    def on_epoch_end(self, training: Any) -> None:
        self.heard()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_each_fit_has_callbacks_of_its_own() -> None:
    heard: list[int] = []

    def hear() -> None:
        heard.append(1)

    with parallel_config("threading", n_jobs=2):
        cross_validate(small(callbacks=[Epochs(hear)]), X, Y, cv=4, error_score="raise")
    assert len(heard) == 4 * 12


class Fails(Callback):
    def on_epoch_end(self, training: Any) -> None:
        raise RuntimeError("a callback that fails")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_error_of_a_fit_reaches_the_caller() -> None:
    with parallel_config("threading", n_jobs=2):
        with pytest.raises(RuntimeError, match="a callback that fails"):
            cross_val_score(small(callbacks=[Fails()]), X, Y, cv=4, error_score="raise")
        assert cross_val_score(small(), X, Y, cv=4).shape == (4,)  # and the number of threads is as before


class Watched(warnings.catch_warnings):  # type: ignore[type-arg]
    """Fails if nncore creates one."""

    def __init__(self, **arguments: Any) -> None:
        assert not sys._getframe(1).f_globals["__name__"].startswith("nncore."), "a fit changes the filters of warnings"
        super().__init__(**arguments)


@pytest.mark.parametrize(("model", "y"), [(MLPClassifier, Y), (MLPRegressor, Y.astype(float))])
def test_a_fit_leaves_the_filters_of_warnings_alone(model: Any, y: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit does not change warning filters, which all threads share: it would turn other threads' warnings into errors."""
    estimator = model(hidden_layer_sizes=(4,), max_iter=300, tol=1.0, early_stopping=True, n_iter_no_change=1, random_state=0)
    with monkeypatch.context() as patched:
        patched.setattr(warnings, "catch_warnings", Watched)
        estimator.fit(X, y)
    assert estimator.n_iter_ < 300

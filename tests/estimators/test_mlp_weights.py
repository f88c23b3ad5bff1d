"""Sample and class weights of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncore.estimators import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
TARGETS: dict[type, np.ndarray] = {MLPClassifier: (X[:, 0] > 0).astype(int), MLPRegressor: X[:, 0]}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("size", [1e-300, 1e37, 1e308])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("cls", TARGETS)
def test_any_size(cls: type, solver: str, size: float) -> None:
    arguments: dict[str, Any] = {"solver": solver, "max_iter": 3, "random_state": 0, "standardize": True, "hidden_layer_sizes": (4,)}
    y, weights = TARGETS[cls], np.full(60, size)
    one = cls(**arguments).fit(X, y, sample_weight=weights, X_val=X, y_val=y, sample_weight_val=weights)
    other = cls(**arguments).fit(X, y, sample_weight=np.ones(60), X_val=X, y_val=y)
    assert one.loss_ == pytest.approx(other.loss_, rel=1e-6)
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-6)
    assert one.score(X, y, weights) == pytest.approx(other.score(X, y), rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("of_class", [1e-200, 1e200])
def test_classes_and_samples_together(of_class: float) -> None:
    y, weights = TARGETS[MLPClassifier], np.random.default_rng(1).uniform(0.5, 2, 60)
    arguments: dict[str, Any] = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (4,)}
    one = MLPClassifier(**arguments, class_weight={0: of_class, 1: 3 * of_class}).fit(X, y, sample_weight=weights * of_class)
    other = MLPClassifier(**arguments, class_weight={0: 1.0, 1: 3.0}).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-3)  # the weight penalty depends slightly on the sizes


@pytest.mark.parametrize("size", [1e-300, 1e37, 1e308])
def test_one_batch(size: float) -> None:
    y = TARGETS[MLPClassifier]
    one, other = (MLPClassifier(random_state=0, hidden_layer_sizes=(4,)) for _ in range(2))
    one.partial_fit(X, y, classes=[0, 1], sample_weight=np.full(60, size))
    other.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-6)

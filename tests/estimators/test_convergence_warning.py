"""The warning of a fit that ends too early matches filters for scikit-learn's class and for nncore's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import exceptions

from nncore import errors
from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor, Perceptron

X = np.random.default_rng(0).normal(size=(60, 3))
CLASSES = np.random.default_rng(1).integers(0, 2, 60)
TOO_SHORT = [
    Perceptron(max_epochs=1, random_state=0),
    LogisticNeuron(max_epochs=1, batch_size=None, random_state=0),
    MLPClassifier(max_iter=1, random_state=0),
    MLPClassifier(max_iter=1, solver="lbfgs", random_state=0),
    MLPRegressor(max_iter=1, random_state=0),
]


@pytest.mark.parametrize("estimator", TOO_SHORT, ids=repr)
@pytest.mark.parametrize("filtered", [errors.ConvergenceWarning, exceptions.ConvergenceWarning])
def test_either_filter_applies(estimator: Any, filtered: type[Warning]) -> None:
    with pytest.warns(filtered):
        estimator.fit(X, CLASSES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", filtered)
        estimator.fit(X, CLASSES)

"""Warnings point at the user's line of code."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.errors import ConvergenceWarning, DataWarning
from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor, Perceptron

X = np.arange(12.0).reshape(6, 2)
y = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_fit(cls, solver):
    with pytest.warns(UserWarning, match="converge") as caught:
        cls(solver=solver, max_iter=1).fit(X, y)
    assert caught[0].filename == __file__


def test_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": [f"person {i}" for i in range(40)], "age": range(40)})
    with pytest.warns(DataWarning, match="identifies rows") as caught:
        MLPRegressor().partial_fit(frame, np.arange(40.0))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("model", [Perceptron(max_epochs=1), LogisticNeuron(max_epochs=1)])
def test_single_neurons(model):
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(np.tile(X, (2, 1)), [*y, *y[::-1]])
    assert caught[0].filename == __file__


def test_partial_fit():
    with pytest.warns(UserWarning, match="clipped") as caught:
        MLPRegressor(batch_size=100).partial_fit(X, y)
    assert caught[0].filename == __file__

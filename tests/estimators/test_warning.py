"""Warnings point at the user's line."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.estimators import MLPClassifier, MLPRegressor

X = np.arange(12.0).reshape(6, 2)
y = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_fit(cls, solver):
    with pytest.warns(UserWarning, match="converge") as caught:
        cls(solver=solver, max_iter=1).fit(X, y)
    assert caught[0].filename == __file__


def test_partial_fit():
    with pytest.warns(UserWarning, match="clipped") as caught:
        MLPRegressor(batch_size=100).partial_fit(X, y)
    assert caught[0].filename == __file__

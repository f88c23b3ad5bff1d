"""A warning appears if inputs or targets far from 1 prevented learning, and only then."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine

from nncore.errors import DataWarning
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.unscaled import far_from_1

FEW = {"hidden_layer_sizes": (16,), "max_iter": 20, "random_state": 0}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_targets_far_from_1_are_named_with_the_remedy() -> None:
    X, y = load_diabetes(return_X_y=True)
    with pytest.warns(DataWarning, match=r"y has mean 1\.52e\+05 and standard deviation .*: pass standardize_target=True for y"):
        MLPRegressor(**FEW).fit(X, 1000 * y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        assert MLPRegressor(standardize_target=True, standardize=True, **FEW).fit(X, 1000 * y).score(X, 1000 * y) > 0.15


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_inputs_far_from_1_are_named_with_the_remedy() -> None:
    X, y = load_wine(return_X_y=True)
    with pytest.warns(DataWarning, match=r"columns of X have mean .*: pass standardize=True for X$"):
        MLPClassifier(learning_rate_init=10.0, **FEW).fit(X * 1e6, y)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_what_learns_is_left_alone() -> None:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        MLPClassifier(hidden_layer_sizes=(16,), solver="lbfgs", random_state=0).fit(1e3 * X, y)  # far from 1, but learned
        MLPRegressor(**FEW).fit(X, np.random.default_rng(0).normal(size=150))  # near 1, with nothing to learn
        MLPClassifier(**FEW).partial_fit(1e5 * X, y, classes=[0, 1, 2])


def test_the_farthest_column_is_told_of() -> None:
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.normal(size=100), rng.normal(5e4, 1, 100), rng.normal(0, 1e-5, 100), np.zeros(100)])
    assert far_from_1(columns)[0].startswith("mean")
    assert "e-05" in far_from_1(columns)[0]
    assert far_from_1(columns[:, [0, 3]]) == []
    assert far_from_1(columns[:, :0]) == []
    assert far_from_1(np.array([[np.nan], [np.nan]])) == []

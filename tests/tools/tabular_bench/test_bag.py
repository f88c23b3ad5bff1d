"""Averages over folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from tabular_bench.bag import Bag, spread


def test_numbers_are_averaged_over_the_folds() -> None:
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame(rng.normal(size=(40, 2))), rng.normal(size=40)
    bag = Bag(lambda number: LinearRegression(), 4, is_classifier=False, seed=3).fit(X, y)
    folds = KFold(4, shuffle=True, random_state=3).split(X)
    by_hand = [LinearRegression().fit(X.iloc[rows], y[rows]).predict(X) for rows, _ in folds]
    np.testing.assert_allclose(bag.predict(X), np.mean(by_hand, axis=0))


def test_probabilities_are_averaged() -> None:
    X, y = pd.DataFrame(np.zeros((20, 1))), np.arange(20) % 2
    bag = Bag(lambda number: DummyClassifier(strategy="prior"), 5, is_classifier=True, seed=0).fit(X, y)
    np.testing.assert_allclose(bag.predict_proba(X), 0.5)


def test_a_class_that_was_not_seen_has_no_probability() -> None:
    p = spread(np.array([[0.25, 0.75]]), np.array([0, 2]), np.array([0, 1, 2]))
    assert p.tolist() == [[0.25, 0, 0.75]]

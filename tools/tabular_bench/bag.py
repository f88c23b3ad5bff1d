"""Averages of fits on cross-validation folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold


class Bag:
    """One fit for each fold, on the rows of the others; predictions are averaged.

    Parameters
    ----------
    make : function
        ``make(number)`` builds an estimator.
    n : int
        Folds.
    is_classifier : bool
        Folds are stratified, and probabilities averaged.
    seed : int
        Of the folds.
    """

    def __init__(self, make: Callable[[int], Any], n: int, *, is_classifier: bool, seed: int) -> None:
        self.make, self.n, self.is_classifier, self.seed = make, n, is_classifier, seed

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Bag:
        splitter = (StratifiedKFold if self.is_classifier else KFold)(self.n, shuffle=True, random_state=self.seed)
        self.classes_ = np.unique(y)
        self.members = [self.make(number).fit(X.iloc[rows], y[rows]) for number, (rows, _) in enumerate(splitter.split(X, y))]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Mean of the numbers that the fits predict."""
        return np.mean([member.predict(X) for member in self.members], axis=0)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Mean of the probabilities; a class that a fit has not seen has none there."""
        return np.mean([spread(member.predict_proba(X), member.classes_, self.classes_) for member in self.members], axis=0)


def spread(p: np.ndarray, classes: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Probabilities of `classes` as columns of all classes `of`."""
    whole = np.zeros((len(p), len(of)))
    whole[:, np.searchsorted(of, classes)] = p
    return whole

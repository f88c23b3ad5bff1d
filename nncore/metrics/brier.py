"""Brier score: the squared error of predicted probabilities."""

from __future__ import annotations

import numpy as np

from nncore.metrics.classification import ClassificationMetric, probable


class Brier(ClassificationMetric):
    """Brier score: mean squared error of predicted probabilities.

    Σᵢ wᵢ (pᵢ − yᵢ)² / Σᵢ wᵢ, p the probability of class 1. For more than two classes it is the sum over them, for labels the mean. 0 is
    perfect. As scikit-learn's ``brier_score_loss``. Targets may be probabilities.

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review, 1950.
    """

    higher_is_better = False
    takes_probabilities = True

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        squares = (np.asarray(output, np.float64) - probable(output, target)) ** 2
        if output.shape[1] > 2 and not self._is_of_labels:
            return squares.sum(axis=1, keepdims=True)
        return squares.mean(axis=1, keepdims=True)

"""D² with the absolute error."""

from __future__ import annotations

import numpy as np

from nncore.metrics.d2 import D2Metric, weighted_quantile


class D2AbsoluteError(D2Metric):
    """D² with the absolute error: 1 for perfect predictions, 0 for the median of the targets.

    As scikit-learn's ``d2_absolute_error_score``.
    """

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        return np.abs(output - truth)

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        return weighted_quantile(truth, weight, 0.5)

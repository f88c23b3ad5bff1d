"""Mean absolute error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric, errors


class MAE(RegressionMetric):
    """Mean absolute error: Σᵢ wᵢ |yᵢ − Yᵢ| / Σᵢ wᵢ, the mean over outputs.

    As scikit-learn's ``mean_absolute_error``; NaN if the weights sum to 0.
    """

    higher_is_better = False

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.abs(errors(output, target))

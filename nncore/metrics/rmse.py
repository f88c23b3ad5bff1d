"""Root mean squared error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric, errors
from nncore.plugin import Kernel


class RMSE(RegressionMetric):
    """Root mean squared error, in the unit of the targets.

    √(Σᵢ wᵢ (yᵢ − Yᵢ)² / Σᵢ wᵢ), the mean over outputs. As scikit-learn's ``root_mean_squared_error``; NaN if the weights sum to 0.
    """

    higher_is_better = False
    kernel = Kernel("nncore._core.native:metric_squared_error", never_fails=True)

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return errors(output, target) ** 2

    def from_means(self, means: np.ndarray) -> float:
        return float(np.sqrt(means).mean())

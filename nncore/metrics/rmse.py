"""Root of the mean squared error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric


class RMSE(RegressionMetric):
    """√(Σᵢ wᵢ (yᵢ − Yᵢ)² / Σᵢ wᵢ), the mean over outputs, in their unit.

    As scikit-learn's ``root_mean_squared_error``; NaN if the weights sum to 0.
    """

    higher_is_better = False

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        truth, weight = self.truth_and_weight(output, target, sample_weight)  # (n_rows, n_outputs), (n_rows,)
        total = weight.sum()
        return float(np.sqrt(weight @ (output - truth) ** 2 / total).mean()) if total else float("nan")

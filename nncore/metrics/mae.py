"""Mean absolute error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric


class MAE(RegressionMetric):
    """Σᵢ wᵢ |yᵢ − Yᵢ| / Σᵢ wᵢ, the mean over outputs. As scikit-learn's ``mean_absolute_error``; NaN if the weights sum to 0."""

    higher_is_better = False

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        truth, weight = self.truth_and_weight(output, target, sample_weight)  # (n_rows, n_outputs), (n_rows,)
        total = weight.sum()
        return float((weight @ np.abs(output - truth) / total).mean()) if total else float("nan")

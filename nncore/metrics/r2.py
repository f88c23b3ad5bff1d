"""Coefficient of determination of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric


class R2(RegressionMetric):
    """R² = 1 − Σᵢ wᵢ (yᵢ − Yᵢ)² / Σᵢ wᵢ (Yᵢ − Ȳ)², the mean over outputs; Ȳ is the weighted mean of the targets Y.

    As scikit-learn's ``r2_score``: an output whose target is constant scores 1 if it is predicted exactly, else 0. With
    fewer than two samples, or weights that sum to 0, R² is NaN.
    """

    higher_is_better = True

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        truth, weight = self.truth_and_weight(output, target, sample_weight)  # (n_rows, n_outputs), (n_rows,)
        total = weight.sum()
        if len(truth) < 2 or total == 0:
            return float("nan")
        residual = weight @ (output - truth) ** 2  # (n_outputs,)
        variation = weight @ (truth - weight @ truth / total) ** 2  # (n_outputs,)
        constant = variation == 0
        scores = np.where(constant, residual == 0, 1 - residual / np.where(constant, 1, variation))
        return float(scores.mean())

"""Coefficient of determination of a regression."""

from __future__ import annotations

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric


class R2(Metric):
    """R² = 1 − Σᵢ wᵢ (yᵢ − Yᵢ)² / Σᵢ wᵢ (Yᵢ − Ȳ)², the mean over outputs; Ȳ is the weighted mean of the targets Y.

    As scikit-learn's ``r2_score``: an output whose target is constant scores 1 if it is predicted exactly, else 0. With
    fewer than two samples, or weights that sum to 0, R² is NaN.
    """

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        truth = np.asarray(target, dtype=np.float64)
        truth = truth[:, None] if truth.ndim == 1 else truth  # (n_rows, n_outputs)
        if truth.shape != output.shape:
            raise ShapeError(f"R2: targets of shape {target.shape} do not fit outputs of shape {output.shape}")
        weight = np.ones(len(truth)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        total = weight.sum()
        if len(truth) < 2 or total == 0:
            return float("nan")
        residual = weight @ (output - truth) ** 2  # (n_outputs,)
        variation = weight @ (truth - weight @ truth / total) ** 2  # (n_outputs,)
        constant = variation == 0
        scores = np.where(constant, residual == 0, 1 - residual / np.where(constant, 1, variation))
        return float(scores.mean())

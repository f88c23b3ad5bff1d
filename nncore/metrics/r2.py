"""Coefficient of determination of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.d2 import D2Metric
from nncore.metrics.regression import check_one_for_each, errors
from nncore.plugin import Kernel


class R2(D2Metric):
    """Coefficient of determination R²: 1 for perfect predictions, 0 for the mean of the targets.

    R² = 1 − Σᵢ wᵢ (yᵢ − Yᵢ)² / Σᵢ wᵢ (Yᵢ − Ȳ)², the mean over outputs; Ȳ is the weighted mean of the targets Y. As scikit-learn's
    ``r2_score``: an output whose target is constant scores 1 if it is predicted exactly, else 0. With fewer than two samples, or weights
    that sum to 0, R² is NaN.
    """

    kernel = Kernel("nncore._core.native:metric_squared_error", never_fails=True)

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        check_one_for_each(self, output, target)

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return errors(output, target) ** 2

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        return float(weight @ truth / weight.sum())

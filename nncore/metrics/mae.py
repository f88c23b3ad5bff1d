"""Mean absolute error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric


class MAE(Metric):
    """Σᵢ wᵢ |yᵢ − Yᵢ| / Σᵢ wᵢ, the mean over outputs. As scikit-learn's ``mean_absolute_error``; NaN if the weights sum to 0."""

    higher_is_better = False

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        truth = np.asarray(target, dtype=np.float64)
        truth = truth[:, None] if truth.ndim == 1 else truth  # (n_rows, n_outputs)
        if truth.shape != output.shape:
            raise ShapeError(f"MAE: targets of shape {target.shape} do not fit outputs of shape {output.shape}")
        weight = np.ones(len(truth)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        total = weight.sum()
        return float((weight @ np.abs(output - truth) / total).mean()) if total else float("nan")

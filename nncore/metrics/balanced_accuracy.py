"""Balanced accuracy: each class has the same weight."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.metrics.classification import ClassificationMetric, answers, truth


class BalancedAccuracy(ClassificationMetric):
    """Balanced accuracy: mean over classes of the recall of each, for imbalanced classes; weighted by ``sample_weight``.

    Predicting always the same of K classes scores 1/K. As scikit-learn's ``balanced_accuracy_score``.

    Parameters
    ----------
    threshold : float, default 0.5
        A single output above it is the positive class; 0 for −1 and +1 (``hinge``). Of several outputs, the largest decides.

    Notes
    -----
    Classes without samples are left out. A sample with NaN outputs is wrong.

    References
    ----------
    Brodersen, Ong, Stephan & Buhmann, "The balanced accuracy and its posterior distribution", ICPR 2010.
    """

    higher_is_better = True
    takes_labels = False
    ranges: ClassVar[dict[str, str]] = {"threshold": "(-inf, inf)"}

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def n_terms(self, n_outputs: int) -> int:
        return 2 * max(n_outputs, 2)

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        yes, true = answers(output, self.threshold, by_output=output.shape[1] == 1), truth(output, target)
        if output.shape[1] == 1:
            no = ~yes & ~np.isnan(output)
            yes, true = np.hstack([no, yes]), np.hstack([~true, true])
        return np.hstack([yes & true, true]).astype(np.float64)

    def from_means(self, means: np.ndarray) -> float:
        right, true = means.reshape(2, -1)
        known = true > 0
        return float(np.mean(right[known] / true[known]))

"""Average precision: the area under the precision-recall curve."""

from __future__ import annotations

import numpy as np

from nncore.metrics.ranking import RankingMetric, levels


class AveragePrecision(RankingMetric):
    """Σₙ (Rₙ − Rₙ₋₁)·Pₙ, where P and R are precision and recall if yes is said to outputs of at least the n-th largest value.

    For rare classes: chance is their share, 1 is perfect. As scikit-learn's ``average_precision_score``.

    Parameters
    ----------
    average : {"macro", "weighted"}, default "macro"
        How the precisions of several classes or labels are averaged: alike, or by the weight of the samples that have them. Two classes
        have one, that of class 1.

    Notes
    -----
    A class that no sample has, or all have, is left out; NaN if none remains, or an output is NaN. All outputs have to be there at once,
    also of a stream.

    References
    ----------
    Davis & Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
    """

    def _of_question(self, is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        positive, negative = (level[::-1] for level in levels(is_positive, score, weight))
        found = np.cumsum(positive)
        return float(positive @ (found / (found + np.cumsum(negative))) / found[-1])

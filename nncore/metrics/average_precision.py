"""Average precision: the area under the precision-recall curve."""

from __future__ import annotations

import numpy as np

from nncore.metrics.ranking import RankingMetric, levels


class AveragePrecision(RankingMetric):
    """Average precision, the area under the precision-recall curve: for rare classes.

    Σₙ (Rₙ − Rₙ₋₁)·Pₙ, where P and R are precision and recall with the n-th largest output as threshold. 1 is perfect; random outputs score
    the fraction of positive samples. As scikit-learn's ``average_precision_score``.

    Parameters
    ----------
    average : {"macro", "weighted"}, default "macro"
        How to average several classes or labels: equally, or by the weight of the samples that have them. Two classes have one score, that
        of class 1.

    Notes
    -----
    A class that no sample or every sample has is left out. The score is NaN if none remains, or an output is NaN. It needs all outputs in
    memory, also of a stream.

    References
    ----------
    Davis & Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
    """

    def _of_question(self, is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        positive, negative = (level[::-1] for level in levels(is_positive, score, weight))
        found = np.cumsum(positive)
        return float(positive @ (found / (found + np.cumsum(negative))) / found[-1])

"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np

from nncore.metrics.ranking import RankingMetric, area_under_roc


class ROCAUC(RankingMetric):
    """How often a sample of a class has a higher output for it than one of another class, ties counting half; each pair by its weights.

    ½ is chance, 1 perfect. As scikit-learn's ``roc_auc_score``, for several classes with ``multi_class="ovr"``.

    Parameters
    ----------
    average : {"macro", "weighted"}, default "macro"
        How the areas of several classes or labels are averaged: alike, or by the weight of the samples that have them. Two classes have one
        area.

    Notes
    -----
    A class that no sample has, or all have, has no area and is left out; NaN if none remains, or an output is NaN. All outputs have to be
    there at once, also of a stream.

    References
    ----------
    Hanley & McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology, 1982.
    """

    def _of_question(self, is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        return area_under_roc(is_positive, score, weight)

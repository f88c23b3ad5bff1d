"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np

from nncore.metrics.ranking import RankingMetric, area_under_roc


class ROCAUC(RankingMetric):
    """Area under the ROC curve: how well outputs rank samples of a class above others. ½ is chance, 1 is perfect.

    It is the fraction of pairs of a positive and a negative sample in which the positive one has the higher output; ties count half, and
    pairs are weighted. As scikit-learn's ``roc_auc_score``, for several classes with ``multi_class="ovr"``.

    Parameters
    ----------
    average : {"macro", "weighted"}, default "macro"
        How to average several classes or labels: equally, or by the weight of the samples that have them. Two classes have one area.

    Notes
    -----
    A class that no sample or every sample has is left out. The score is NaN if none remains, or an output is NaN. It needs all outputs in
    memory, also of a stream.

    References
    ----------
    Hanley & McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology, 1982.
    """

    def _of_question(self, is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        return area_under_roc(is_positive, score, weight)

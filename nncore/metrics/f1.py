"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.metrics.classification import ClassificationMetric, answers, truth


class F1(ClassificationMetric):
    """F1 score: harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN), weighted by ``sample_weight``.

    For two classes it is F1 of class 1, for several the mean over them. As scikit-learn's ``f1_score``, with ``average="macro"`` for
    several classes.

    Parameters
    ----------
    average : {"macro", "micro", "weighted"}, default "macro"
        How to average several classes or labels: ``"macro"`` equally, ``"micro"`` by adding up their counts, ``"weighted"`` by the weight
        of the samples that have them. Two classes have one F1, that of class 1.
    threshold : float, default 0.5
        Single outputs and labels above it are positive; 0 for −1 and +1 (``hinge``). Of classes, the largest output decides.

    Notes
    -----
    A class that no sample has and none is predicted as is left out of the mean. Such a label scores 0, as in scikit-learn. A sample with
    NaN outputs has no predicted class.

    References
    ----------
    van Rijsbergen, "Information retrieval", 1979.
    """

    higher_is_better = True
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"average": ("macro", "micro", "weighted")}
    ranges: ClassVar[dict[str, str]] = {"threshold": "(-inf, inf)"}

    def __init__(self, average: str = "macro", threshold: float = 0.5) -> None:
        self.average = average
        self.threshold = threshold

    def n_terms(self, n_outputs: int) -> int:
        return 3 * (1 if n_outputs == 2 and not self._is_of_labels else n_outputs)

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        yes = answers(output, self.threshold, by_output=self._is_of_labels or output.shape[1] == 1)
        true = truth(output, target)
        if self._is_of_two_classes(output):
            yes, true = yes[:, 1:], true[:, 1:]
        return np.hstack([yes & true, yes, true]).astype(np.float64)

    def from_means(self, means: np.ndarray) -> float:
        both, yes, true = means.reshape(3, -1)
        if self.average == "micro":
            both, yes, true = (np.array([part.sum()]) for part in (both, yes, true))
        total = yes + true
        if not total.any():
            return 0.0
        known = total > 0
        scores = 2 * both[known] / total[known]
        if len(true) == 1:
            return float(scores[0])
        if self.average == "weighted":
            return float(true[known] @ scores / true.sum()) if true.any() else 0.0
        return float(scores.sum() / (len(true) if self._is_of_labels else len(scores)))

"""Base of the metrics that depend only on the order of outputs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.arguments import rescaled
from nncore.metrics.classification import ClassificationMetric, truth


class RankingMetric(ClassificationMetric):
    """The mean of a binary score: of each of several classes against the rest, of class 1 of two, or of each label."""

    higher_is_better = True
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"average": ("macro", "weighted")}

    def __init__(self, average: str = "macro") -> None:
        self.average = average

    def _of_question(self, is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        """The score of one class or label, all of shape (n_rows,). There are positive and negative rows, and no weight is 0."""
        raise NotImplementedError(f"{type(self).__name__}._of_question")

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        self.check_targets(target)
        weight = np.ones(len(target)) if sample_weight is None else rescaled(sample_weight)
        known, counted = self.for_targets(target, weight), weight > 0
        positive, scores, weight = truth(output, target)[counted], output[counted], weight[counted]
        if np.isnan(scores).any():
            return float("nan")
        first = 1 if known._is_of_two_classes(output) else 0
        questions = [column for column in range(first, scores.shape[1]) if positive[:, column].any() and not positive[:, column].all()]
        if not questions:
            return float("nan")
        found = [self._of_question(positive[:, column], scores[:, column], weight) for column in questions]
        shares = None if self.average == "macro" else [float(weight @ positive[:, column]) for column in questions]
        return float(np.average(found, weights=shares))


def levels(is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the positive and of the negative rows at each level of the scores, ascending; ties share a level."""
    _, level = np.unique(score, return_inverse=True)
    return np.bincount(level, weight * is_positive), np.bincount(level, weight * ~is_positive)


def area_under_roc(is_positive: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Weighted fraction of pairs in which the positive row has the higher score; ties count half (Mann & Whitney)."""
    positive, negative = levels(is_positive, score, weight)
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / (positive.sum() * negative.sum()))

"""Base of the metrics of classification."""

from __future__ import annotations

import copy
from typing import Self

import numpy as np

from nncore.errors import DataError, ShapeError
from nncore.plugin import Metric

#: How far the sum of a row of target probabilities may be from 1: they may come as float32 or rounded.
_SUM_TOLERANCE = 1e-3


class ClassificationMetric(Metric):
    """A metric of classes or of binary labels.

    A single output is a binary label. Several outputs are classes, of which a sample has one, if the targets are class indices or each row
    of them sums to 1. Otherwise they are labels, of which a sample may have several.
    """

    takes_probabilities = False  # as targets, too
    takes_labels = True  # several of a sample

    _is_of_labels = False  # whether several outputs are binary labels

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        n_rows, n_outputs = output
        if target not in ((n_rows,), (n_rows, n_outputs)):
            name = type(self).__name__
            raise ShapeError(f"{name} scores classes: targets of shape {target} do not fit outputs of shape {output}")

    def check_targets(self, target: np.ndarray) -> None:
        if target.ndim == 1 and target.dtype.kind in "iu":
            return
        if self.takes_probabilities:
            is_known = bool(((target >= 0) & (target <= 1)).all()) or bool((np.abs(target) == 1).all())
        else:
            is_known = bool(((target == 0) | (target == 1)).all()) or bool((np.abs(target) == 1).all())
        if not is_known:
            wanted = "0 and 1, or -1 and 1" + (", or probabilities" if self.takes_probabilities else "")
            raise DataError(
                f"{type(self).__name__} scores classes, and the targets are not {wanted}: pass class indices, or choose a metric of "
                "numbers, such as 'r2' or 'mae'"
            )
        if not self.takes_labels and _has_several_labels(target):
            raise DataError(f"{type(self).__name__} scores samples of one class each, and some have several labels or none")

    def for_targets(self, target: np.ndarray, sample_weight: np.ndarray) -> Self:
        if not _has_several_labels(target):
            return self
        decided = copy.copy(self)
        decided._is_of_labels = True
        return decided

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        self.check_targets(target)
        return super().score(output, target, sample_weight)

    def _is_of_two_classes(self, output: np.ndarray) -> bool:
        """Whether two outputs are probabilities of two classes."""
        return output.shape[1] == 2 and not self._is_of_labels


def _has_several_labels(target: np.ndarray) -> bool:
    """Whether rows of several targets do not sum to 1."""
    return target.ndim > 1 and target.shape[1] > 1 and bool((np.abs(target.sum(axis=1, dtype=np.float64) - 1) > _SUM_TOLERANCE).any())


def truth(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """True outputs, (n_rows, n_outputs) bool."""
    if target.ndim == 1 and output.shape[1] > 1:
        return np.asarray(target[:, None] == np.arange(output.shape[1]))
    return np.asarray(target.reshape(output.shape) > 0.5)  # 1, not 0 nor -1


def probable(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Targets as probabilities of the outputs, (n_rows, n_outputs) float64."""
    if target.ndim == 1:
        return truth(output, target).astype(np.float64)
    return np.maximum(np.asarray(target, np.float64), 0)  # -1 is no


def answers(output: np.ndarray, threshold: float, *, by_output: bool) -> np.ndarray:
    """Positive outputs, (n_rows, n_outputs) bool: those above the threshold, or the largest of each row. None in a row with NaN."""
    if by_output:
        return np.asarray(output > threshold)
    yes = np.zeros(output.shape, bool)
    yes[np.arange(len(output)), output.argmax(axis=1)] = True
    return np.asarray(yes & ~np.isnan(output).any(axis=1, keepdims=True))

"""Accuracy of a classifier."""

from __future__ import annotations

import copy
from typing import ClassVar, Self

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Kernel, Metric

#: How far the sum of a row of target probabilities may be from 1: they may come as float32 or rounded.
_SUM_TOLERANCE = 1e-3


class Accuracy(Metric):
    """Accuracy: fraction of samples classified correctly, weighted by ``sample_weight``.

    Parameters
    ----------
    mode : {"auto", "classes", "labels"}, default "auto"
        How outputs are read.

        - ``"classes"``: each sample has one class, that of the largest output.
        - ``"labels"``: each output is a binary label, positive where it is greater than `threshold`. A sample is correct if all its labels
          are, as in scikit-learn's ``accuracy_score``.
        - ``"auto"``: ``"labels"`` for a single output. For several outputs ``"classes"`` if the targets are class indices or each row of
          them sums to 1 (one-hot, probabilities), else ``"labels"``.
    threshold : float, default 0.5
        Positive labels are above it, in outputs and targets; 0 for −1 and +1 (``hinge``).

    Notes
    -----
    Outputs are predictions after the link of the loss, so probabilities if it has one. A sample with NaN outputs is wrong. Without samples,
    or with weights that sum to 0, the accuracy is NaN.
    """

    higher_is_better = True
    kernel = Kernel("nncore._core.native:metric_accuracy", never_fails=True)
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"mode": ("auto", "classes", "labels")}
    ranges: ClassVar[dict[str, str]] = {"threshold": "(-inf, inf)"}

    def __init__(self, mode: str = "auto", threshold: float = 0.5) -> None:
        self.mode = mode
        self.threshold = threshold

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        n_rows, n_outputs = output
        if target not in ((n_rows,), (n_rows, n_outputs)):
            raise ShapeError(f"Accuracy: targets of shape {target} do not fit outputs of shape {output}")
        if self.mode == "labels" and len(target) == 1 and n_outputs > 1:
            raise ShapeError(f"Accuracy: mode='labels' needs a target for each of the {n_outputs} outputs, got class indices")

    def for_targets(self, target: np.ndarray, sample_weight: np.ndarray) -> Self:
        if self.mode != "auto" or target.ndim == 1 or target.shape[1] == 1:
            return self
        row_sums = target.sum(axis=1, dtype=np.float64)
        decided = copy.copy(self)
        decided.mode = "classes" if (np.abs(row_sums - 1) <= _SUM_TOLERANCE).all() else "labels"
        return decided

    def hyper(self) -> list[float]:
        return [self.threshold, float(self.mode == "labels")]

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        n_outputs = output.shape[1]
        if n_outputs == 1 or self.mode == "labels":  # a single output is always a binary label
            questions = target.reshape(output.shape)
            correct = ((output > self.threshold) == (questions > self.threshold)).all(axis=1)
        else:
            truth = target if target.ndim == 1 else target.argmax(axis=1)
            correct = output.argmax(axis=1) == truth
        return (correct & ~np.isnan(output).any(axis=1)).astype(np.float64)[:, None]

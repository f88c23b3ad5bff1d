"""Accuracy of a classifier."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.arguments import rescaled
from nncore.errors import ShapeError
from nncore.plugin import Metric

#: How far the sum of a row of target probabilities may be from 1: they may come as float32 or rounded.
_SUM_TOLERANCE = 1e-3


class Accuracy(Metric):
    """Fraction of samples classified correctly, weighted by ``sample_weight``.

    Parameters
    ----------
    mode : {"auto", "classes", "labels"}, default "auto"
        ``"classes"``: one class a sample, the largest output. ``"labels"``: every output is a yes/no question of its own,
        yes where it is greater than `threshold`, and a sample is correct if all of them are, as in scikit-learn's
        ``accuracy_score``. ``"auto"``: ``"labels"`` for a single output; for several outputs ``"classes"`` if the targets are
        class indices or each row of them sums to 1 (one-hot, probabilities), else ``"labels"``.
    threshold : float, default 0.5
        What separates yes from no, in outputs and targets; 0 for −1 and +1 (``hinge``).

    Notes
    -----
    Outputs are predictions after the loss's link, so probabilities where the loss has one. A sample with a NaN among its
    outputs is wrong. Without samples, or with weights that sum to 0, the accuracy is NaN.
    """

    higher_is_better = True
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

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        n_rows, n_outputs = output.shape
        if n_outputs == 1 and target.ndim == 1:
            target = target[:, None]
        mode = self._mode(target, n_outputs)
        if mode == "classes":
            truth = target if target.ndim == 1 else target.argmax(axis=1)
            correct = output.argmax(axis=1) == truth
        else:
            correct = ((output > self.threshold) == (target > self.threshold)).all(axis=1)
        correct &= ~np.isnan(output).any(axis=1)
        weight = np.ones(n_rows) if sample_weight is None else rescaled(sample_weight)
        total = weight.sum()
        return float(weight[correct].sum() / total) if total else float("nan")

    def _mode(self, target: np.ndarray, n_outputs: int) -> str:
        """`mode`, decided: a single output has no largest one, so it is always a yes/no question."""
        if n_outputs == 1:
            return "labels"
        if self.mode != "auto":
            return self.mode
        if target.ndim == 1:
            return "classes"
        row_sums = target.sum(axis=1, dtype=np.float64)
        return "classes" if (np.abs(row_sums - 1) <= _SUM_TOLERANCE).all() else "labels"

"""Base of the D² scores."""

from __future__ import annotations

import copy
import math
from typing import Self

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric


class D2Metric(Metric):
    """D²: 1 − Σᵢ wᵢ d(yᵢ, Yᵢ) / Σᵢ wᵢ d(c, Yᵢ), the reduction of the deviation d relative to the best constant c; the mean over outputs.

    A subclass defines d and c. As in scikit-learn, an output whose target is constant scores 1 if it is predicted exactly, else 0. With
    fewer than two samples, or weights that sum to 0, the score is NaN.
    """

    higher_is_better = True

    @property
    def _n_levels(self) -> int:
        """Outputs for each target, those of the first target first."""
        return 1

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        """d of each sample, shape ``(n_rows,)``, for output `level` of a target."""
        raise NotImplementedError(f"{type(self).__name__}._deviation")

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        """c for targets ``(n_rows,)``; the weights do not sum to 0."""
        raise NotImplementedError(f"{type(self).__name__}._constant")

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        n_targets = target[1] if len(target) > 1 else 1
        if output != (target[0], n_targets * self._n_levels):
            raise ShapeError(
                f"{self!r} needs {self._n_levels} output{'s' * (self._n_levels > 1)} for each target: targets of shape {target} do not fit "
                f"outputs of shape {output}"
            )

    _whole: list[float] | None = None  # of each output, the mean deviation of the best constant; None if the score is NaN

    def for_targets(self, target: np.ndarray, sample_weight: np.ndarray) -> Self:
        known, truth, total = copy.copy(self), target.reshape(len(target), -1), sample_weight.sum()
        if len(truth) > 1 and total > 0:
            known._whole = []
            for column in truth.T:  # one at a time: all of them in float64 would be many times the targets
                values = column.astype(np.float64)
                best = [self._constant(values, sample_weight, level) for level in range(self._n_levels)]
                deviations = self.terms(np.broadcast_to(best, (len(values), len(best))), values[:, None])
                known._whole += (sample_weight @ np.where(sample_weight[:, None] > 0, deviations, 0) / total).tolist()
        return known

    def n_terms(self, n_outputs: int) -> int:
        return n_outputs

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        truth, predicted = np.asarray(target, np.float64).reshape(len(target), -1), np.asarray(output, np.float64)
        n_levels, columns = self._n_levels, range(predicted.shape[1])
        return np.column_stack(
            [self._deviation(predicted[:, column], truth[:, column // n_levels], column % n_levels) for column in columns]
        )

    def from_means(self, means: np.ndarray) -> float:
        if self._whole is None:
            return float("nan")
        pairs = zip(means.tolist(), self._whole, strict=True)
        return math.fsum(1 - mean / whole if whole > 0 else float(mean == 0) for mean, whole in pairs) / len(self._whole)


def weighted_quantile(values: np.ndarray, weight: np.ndarray, q: float) -> float:
    """A number that minimises Σᵢ wᵢ max(q (xᵢ − c), (q − 1)(xᵢ − c)) over c."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, q * reached[-1])])

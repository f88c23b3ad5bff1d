"""What the D² scores have in common."""

from __future__ import annotations

import numpy as np

from nncore.arguments import rescaled
from nncore.errors import ShapeError
from nncore.plugin import Metric


class D2Metric(Metric):
    """1 − Σᵢ wᵢ d(yᵢ, Yᵢ) / Σᵢ wᵢ d(c, Yᵢ), the mean over outputs: how much of the deviation d of the best constant c is saved.

    A subclass says d and c. As in scikit-learn, an output whose target is constant scores 1 if it is predicted exactly, else 0; with fewer
    than two samples, or weights that sum to 0, the score is NaN.
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
                f"{self!r} is for {self._n_levels} output{'s' * (self._n_levels > 1)} of each target: targets of shape {target} do not fit "
                f"outputs of shape {output}"
            )

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        truth, predicted = np.asarray(target, np.float64).reshape(len(target), -1), np.asarray(output, np.float64)
        weight = np.ones(len(truth)) if sample_weight is None else rescaled(sample_weight)
        if len(truth) < 2 or weight.sum() == 0:
            return float("nan")
        scores = []
        for column in range(predicted.shape[1]):
            values, level = truth[:, column // self._n_levels], column % self._n_levels
            best = np.full(len(values), self._constant(values, weight, level))
            deviations = (self._deviation(of, values, level) for of in (predicted[:, column], best))
            left, whole = (float(weight @ np.where(weight > 0, deviation, 0)) for deviation in deviations)
            scores.append(1 - left / whole if whole > 0 else float(left == 0))
        return float(np.mean(scores))


def weighted_quantile(values: np.ndarray, weight: np.ndarray, q: float) -> float:
    """A number that minimises Σᵢ wᵢ max(q (xᵢ − c), (q − 1)(xᵢ − c)) over c."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, q * reached[-1])])

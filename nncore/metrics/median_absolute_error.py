"""Median absolute error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.arguments import rescaled
from nncore.metrics.regression import check_one_for_each, errors
from nncore.plugin import Metric


class MedianAbsoluteError(Metric):
    """Median absolute error: the median of |yᵢ − Yᵢ|, which a few large errors do not change.

    It is weighted by ``sample_weight``, and the mean over outputs. As scikit-learn's ``median_absolute_error``: between two errors in the
    middle it is their mean. NaN if the weights sum to 0, or an error is NaN. It needs all outputs in memory, also of a stream.

    References
    ----------
    Hyndman & Fan, "Sample quantiles in statistical packages", The American Statistician, 1996 (definition 2).
    """

    higher_is_better = False

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        check_one_for_each(self, output, target)

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        weight = np.ones(len(target)) if sample_weight is None else rescaled(sample_weight)
        counted = weight > 0
        found = np.abs(errors(output, target))[counted]
        if not len(found) or np.isnan(found).any():
            return float("nan")
        return float(np.mean([_median(column, weight[counted]) for column in found.T]))


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    """The weighted median; no weight is 0."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    half = reached[-1] / 2
    at = min(int(np.searchsorted(reached, half)), len(values) - 1)
    is_inside = reached[at] - half > np.finfo(np.float64).eps * reached[-1] or at + 1 == len(values)
    low = values[order[at]]
    return float(low if is_inside else (low + values[order[at + 1]]) / 2)

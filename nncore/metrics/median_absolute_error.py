"""Median absolute error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.arguments import rescaled
from nncore.metrics.regression import check_one_for_each, errors
from nncore.plugin import Metric


class MedianAbsoluteError(Metric):
    """The median of |yᵢ − Yᵢ|, weighted by ``sample_weight``; the mean over outputs. A few large errors do not move it.

    As scikit-learn's ``median_absolute_error``: where the weights of smaller and of larger errors are the same, the mean of the two in the
    middle. NaN if the weights sum to 0, or an error is NaN. All outputs have to be there at once, also of a stream.

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
    """A number that half of the weight is not above and half is not below; no weight is 0."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    half = reached[-1] / 2
    at = min(int(np.searchsorted(reached, half)), len(values) - 1)
    is_inside = reached[at] - half > np.finfo(np.float64).eps * reached[-1] or at + 1 == len(values)
    low = values[order[at]]
    return float(low if is_inside else (low + values[order[at + 1]]) / 2)

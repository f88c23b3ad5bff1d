"""Base of the metrics of regression."""

from __future__ import annotations

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric


class RegressionMetric(Metric):
    """A metric of real outputs, with one target for each."""

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        check_one_for_each(self, output, target)

    def n_terms(self, n_outputs: int) -> int:
        return n_outputs


def errors(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Predictions minus targets, (n_rows, n_outputs) float64."""
    difference: np.ndarray = output - np.asarray(target, dtype=np.float64).reshape(output.shape)
    return difference


def check_one_for_each(metric: Metric, output: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Raise `ShapeError` unless there is a target for each output."""
    columns = target[1:] or (1,)  # targets (n_rows,) are those of a single output
    if (target[0], *columns) != output:
        name = type(metric).__name__
        raise ShapeError(f"{name} needs one target for each output: targets of shape {target} do not fit outputs of shape {output}")

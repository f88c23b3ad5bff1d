"""What the metrics of regressions have in common."""

from __future__ import annotations

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric


class RegressionMetric(Metric):
    """A metric of real outputs, each with a target of its own."""

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        check_one_for_each(self, output, target)

    def n_terms(self, n_outputs: int) -> int:
        return n_outputs


def errors(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What is predicted less what is true, (n_rows, n_outputs) float64."""
    difference: np.ndarray = output - np.asarray(target, dtype=np.float64).reshape(output.shape)
    return difference


def check_one_for_each(metric: Metric, output: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Raise `ShapeError` unless there is a target for each output."""
    columns = target[1:] or (1,)  # targets (n_rows,) are those of a single output
    if (target[0], *columns) != output:
        name = type(metric).__name__
        raise ShapeError(f"{name} is for numbers, one for each output: targets of shape {target} do not fit outputs of shape {output}")

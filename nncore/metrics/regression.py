"""What the metrics of regressions have in common."""

from __future__ import annotations

import numpy as np

from nncore.arguments import rescaled
from nncore.errors import ShapeError
from nncore.plugin import Metric


class RegressionMetric(Metric):
    """A metric of real outputs, each with a target of its own."""

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        columns = target[1:] or (1,)  # targets (n_rows,) are those of a single output
        if (target[0], *columns) != output:
            name = type(self).__name__
            raise ShapeError(f"{name} is for numbers, one for each output: targets of shape {target} do not fit outputs of shape {output}")

    def truth_and_weight(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Targets ``(n_rows, n_outputs)`` and weights ``(n_rows,)`` in float64."""
        self.check_shapes(output.shape, target.shape)
        truth = np.asarray(target, dtype=np.float64).reshape(output.shape)
        return truth, np.ones(len(truth)) if sample_weight is None else rescaled(sample_weight)

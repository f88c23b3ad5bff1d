"""A plain function as a metric: ``metrics=[function]``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nncore.arguments import shown, text
from nncore.errors import ParameterError
from nncore.plugin import Metric


class FunctionMetric(Metric):
    """Custom metric from a function; ``metrics=[function]`` makes one.

    Parameters
    ----------
    function : callable
        ``function(output, target, sample_weight) -> float``. `output` has shape ``(n_rows, n_outputs)`` (probabilities if the loss has a
        link). `target` is ``(n_rows, n_targets)`` real numbers or ``(n_rows,)`` class indices. `sample_weight` is ``(n_rows,)`` or None.
    higher_is_better : bool or None, default None
        Whether larger values are better. None infers it from the label: smaller for a ``"worst_error"``, larger for a ``"hit_score"``. If
        the label does not tell, a callback that monitors the metric needs its `mode`.
    label : str or None, default None
        Name of the column in the history. None is the function's name.
    """

    flags = ("higher_is_better",)

    def __init__(
        self,
        function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float],
        higher_is_better: bool | None = None,
        label: str | None = None,
    ) -> None:
        self.function = function
        self.higher_is_better = higher_is_better
        self.label = getattr(function, "__name__", None) if label is None else label

    def validate(self) -> None:
        if not callable(self.function) or self.label is None:
            wanted = "a function of (output, target, sample_weight) with a name or a label"
            raise ParameterError(f"FunctionMetric: function must be {wanted}, got {shown(self.function)}")
        text("FunctionMetric: label", self.label)

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        return float(self.function(output, target, sample_weight))

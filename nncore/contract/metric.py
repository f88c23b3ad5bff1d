"""Metrics: scores of predictions."""

from __future__ import annotations

import numpy as np

from nncore.contract.configurable import Configurable


class Metric(Configurable):
    """A score of predictions, higher or lower being better as it says.

    Attributes
    ----------
    higher_is_better : bool or None
        None if it does not say: then its name has to tell (``"worst_error"``), or who monitors it.
    label : str or None
        Name of its column in the history; None is the name under which it is registered.
    """

    higher_is_better: bool | None = None
    label: str | None = None

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Outputs and targets to test the metric with, if it takes neither one of three classes nor numbers, one for each output."""
        return None

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        """Raise `ShapeError` if outputs and targets of these shapes cannot be scored; asked before training begins."""

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score of outputs ``(n_rows, n_outputs)`` against class indices ``(n_rows,)`` or reals ``(n_rows, n_targets)``."""
        raise NotImplementedError(f"{type(self).__name__}.score")

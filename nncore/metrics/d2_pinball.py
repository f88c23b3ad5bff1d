"""Part of the pinball loss of constant quantiles that a quantile regression saves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_number, numbers, shown
from nncore.errors import ParameterError
from nncore.metrics.d2 import D2Metric, weighted_quantile


class D2Pinball(D2Metric):
    """D² with the pinball loss, the mean over quantiles: 1 for perfect predictions, 0 for the quantiles of the targets.

    As the mean of scikit-learn's ``d2_pinball_score`` with ``alpha=q``.

    Parameters
    ----------
    quantiles : float or sequence of float, default (0.5,)
        As in the loss ``quantile``: each in (0, 1), with an output for each, those of the first target first.
    """

    examples: ClassVar[Sequence[dict[str, Any]]] = ({"quantiles": (0.5,)},)

    def __init__(self, quantiles: float | Sequence[float] = (0.5,)) -> None:
        found = numbers([quantiles] if is_number(quantiles) else quantiles)
        if not found or not all(0 < q < 1 for q in found):
            raise ParameterError(f"D2Pinball: quantiles must be numbers in (0, 1), at least one, got {shown(quantiles)}")
        self.quantiles = tuple(found)

    @property
    def _n_levels(self) -> int:
        return len(self.quantiles)

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        q, d = self.quantiles[level], truth - output
        return np.maximum(q * d, (q - 1) * d)

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        return weighted_quantile(truth, weight, self.quantiles[level])

"""D² with the pinball loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.metrics.d2 import D2Metric, weighted_quantile
from nncore.metrics.pinball import deviation, levels_of


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
        self.quantiles = levels_of("D2Pinball", quantiles)

    @property
    def _n_levels(self) -> int:
        return len(self.quantiles)

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        return deviation(truth - output, self.quantiles[level])

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        return weighted_quantile(truth, weight, self.quantiles[level])

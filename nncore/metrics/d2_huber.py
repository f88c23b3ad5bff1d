"""D² with the Huber loss."""

from __future__ import annotations

import numpy as np

from nncore.metrics.d2 import D2Metric

#: Halvings of an interval after which its middle is exact.
HALVINGS = 100


class D2Huber(D2Metric):
    """D² with the Huber loss: 1 for perfect predictions, 0 for the constant with the smallest Huber loss.

    Parameters
    ----------
    delta : float > 0, default 1.0
        As in the loss ``huber``, in the unit of the targets.
    """

    ranges = {"delta": "(0, inf)"}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        d = output - truth
        c = np.clip(d, -self.delta, self.delta)
        return c * (d - c / 2)

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        low, high = float(truth.min()), float(truth.max())
        for _ in range(HALVINGS):  # the slope grows with the constant
            middle = low + (high - low) / 2
            if weight @ np.clip(middle - truth, -self.delta, self.delta) < 0:
                low = middle
            else:
                high = middle
        return high

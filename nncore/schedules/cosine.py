"""A learning rate that falls along a cosine."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class Cosine(Schedule):
    """last + (1 − last)·½(1 + cos(π·step / n_steps)): slow at both ends.

    Parameters
    ----------
    last : float, default 0.0
        Factor that is approached at the end.

    References
    ----------
    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017 (without the restarts).
    """

    ranges = {"last": "[0, 1]"}

    def __init__(self, last: float = 0.0) -> None:
        self.last = last

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return self.last + (1 - self.last) * 0.5 * (1 + np.cos(np.pi * step / n_steps))

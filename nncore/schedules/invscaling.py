"""Inverse scaling: a learning rate that falls with a power of time."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class InverseScaling(Schedule):
    """Inverse scaling: the factor is (1 + t)^(−power), where t starts at `start` and grows by `increment` every `every` steps.

    Parameters
    ----------
    power : float, default 0.5
        Exponent of the decay; 0 is a constant rate.
    every : int, default 1
        Number of steps with the same rate.
    increment : float, default 1.0
        Growth of t.
    start : float, default 0.0
        Initial t, for a fit that continues others.

    Notes
    -----
    The default counts steps. scikit-learn's ``learning_rate="invscaling"`` counts samples and changes the rate after an epoch: with
    10 batches of 200 samples an epoch, ``InverseScaling(every=10, increment=2000)``.
    """

    ranges = {"power": "[0, inf)", "every": "[1, inf)", "increment": "[0, inf)", "start": "[0, inf)"}
    whole = ("every",)

    def __init__(self, power: float = 0.5, every: int = 1, increment: float = 1.0, start: float = 0.0) -> None:
        self.power = power
        self.every = every
        self.increment = increment
        self.start = start

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        t = self.start + self.increment * (step // self.every)
        return (1.0 + t) ** -self.power

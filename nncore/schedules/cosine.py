"""Cosine annealing, with or without warm restarts."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class Cosine(Schedule):
    """Cosine annealing: the learning rate falls along a cosine, optionally with warm restarts.

    The factor is last + (1 − last)·½(1 + cos(π·u)), u from 0 to 1 in each cycle.

    Parameters
    ----------
    last : float, default 0.0
        Factor at the end of a cycle.
    cycles : int, default 1
        Number of cycles in the fit. More than one makes warm restarts.
    growth : float, default 1.0
        Ratio of the length of a cycle to that of the cycle before (T_mult); at least 1. ``cycles=3, growth=2`` makes cycles of 10, 20 and
        40 epochs in a fit of 70.

    References
    ----------
    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

    ranges = {"last": "[0, 1]", "cycles": "[1, 1e6]", "growth": "[1, inf)"}
    whole = ("cycles",)

    def __init__(self, last: float = 0.0, cycles: int = 1, growth: float = 1.0) -> None:
        self.last = last
        self.cycles = cycles
        self.growth = growth

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        # Relative to the last cycle, so that no power overflows; the first ones may then round to nothing.
        ends = np.cumsum(self.growth ** np.arange(1.0 - self.cycles, 1.0))  # (cycles,)
        ends /= ends[-1]
        begins = np.append(0.0, ends[:-1])
        done = step / n_steps
        cycle = np.searchsorted(begins, done, side="right") - 1
        u = (done - begins[cycle]) / (ends[cycle] - begins[cycle])
        return self.last + (1 - self.last) * 0.5 * (1 + np.cos(np.pi * u))

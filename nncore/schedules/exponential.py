"""Exponential decay of the learning rate."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class ExponentialDecay(Schedule):
    """Exponential decay: the factor is max(multiplier^(t / every), min_factor), t = step / n_steps.

    Parameters
    ----------
    multiplier : float, default 0.01
        Factor that the learning rate is multiplied by over a fraction `every` of the fit.
    every : float, default 1.0
        This fraction, more than 0 and at most 1. With the default, `multiplier` is the factor at the end of the fit.
    staircase : bool, default False
        True drops the rate at once at the end of each such fraction, as ``StepDecay(every=...)`` does.
    min_factor : float, default 0.0
        Lowest factor.

    Notes
    -----
    In a fit of 90 epochs, PyTorch's ``ExponentialLR(optimizer, gamma=0.95)``, stepped once an epoch, is
    ``ExponentialDecay(0.95, every=1 / 90, staircase=True)``. `decay_steps` of Keras and `transition_steps` of optax are `every` times the
    number of steps of the fit, their `decay_rate` is `multiplier`.
    """

    ranges = {"multiplier": "(0, 1]", "every": "(0, 1]", "min_factor": "[0, 1]"}
    flags = ("staircase",)

    def __init__(self, multiplier: float = 0.01, every: float = 1.0, staircase: bool = False, min_factor: float = 0.0) -> None:
        self.multiplier = multiplier
        self.every = every
        self.staircase = staircase
        self.min_factor = min_factor

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        # Half a step later is past all times that round to this step.
        times = np.floor((step + 0.5) / (self.every * n_steps)) if self.staircase else step / (self.every * n_steps)
        return np.maximum(np.power(self.multiplier, times, dtype=np.float64), self.min_factor)

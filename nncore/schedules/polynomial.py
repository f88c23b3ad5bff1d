"""A learning rate that falls along a power of what is left of the fit."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class PolynomialDecay(Schedule):
    """last + (1 − last)·(1 − t)^power, t = step / n_steps: a straight line for a power of 1.

    Parameters
    ----------
    power : float, default 1.0
        1 falls evenly; more falls fast at first and slowly at the end, less the other way round.
    last : float, default 0.0
        Factor at the end of the fit.

    Notes
    -----
    As ``torch.optim.lr_scheduler.PolynomialLR`` and ``optax.polynomial_schedule`` over all steps of the fit. Keras' ``PolynomialDecay`` has
    the same formula and ends at 0.0001 unless it is told.

    References
    ----------
    Liu, Rabinovich & Berg, "ParseNet: looking wider to see better", 2015 (the "poly" policy). Devlin et al., "BERT: pre-training of deep
    bidirectional transformers", 2019 (a straight line).
    """

    ranges = {"power": "(0, inf)", "last": "[0, 1]"}

    def __init__(self, power: float = 1.0, last: float = 0.0) -> None:
        self.power = power
        self.last = last

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return self.last + (1 - self.last) * (1 - np.minimum(step / n_steps, 1)) ** self.power

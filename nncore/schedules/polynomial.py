"""Polynomial decay of the learning rate."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class PolynomialDecay(Schedule):
    """Polynomial or linear decay: the factor is last + (1 − last)·(1 − t)^power, t = step / n_steps.

    Parameters
    ----------
    power : float, default 1.0
        Exponent: 1 is linear decay; a larger one falls fast at first and slowly at the end.
    last : float, default 0.0
        Factor at the end of the fit.

    Notes
    -----
    As ``torch.optim.lr_scheduler.PolynomialLR`` and ``optax.polynomial_schedule`` over all steps of the fit. Keras' ``PolynomialDecay`` has
    the same formula and ends at 0.0001 by default.

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

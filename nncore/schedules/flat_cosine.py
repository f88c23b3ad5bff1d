"""Constant learning rate, then cosine annealing."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class FlatCosine(Schedule):
    """Constant learning rate, then cosine annealing to 0.

    The factor is 1 until t = `flat`, then ½(1 + cos(π·(t − flat) / (1 − flat))), t = step / n_steps.

    Parameters
    ----------
    flat : float, default 0.5
        Fraction of the fit at the full rate.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024 (RealMLP's
    ``flat_cos``).
    """

    ranges = {"flat": "[0, 1)"}

    def __init__(self, flat: float = 0.5) -> None:
        self.flat = flat

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        falling = (step / n_steps - self.flat) / (1 - self.flat)
        return 0.5 * (1 + np.cos(np.pi * np.clip(falling, 0, 1)))

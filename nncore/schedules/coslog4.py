"""Four cosine waves, each twice as long as the one before."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class CosLog4(Schedule):
    """RealMLP's schedule: four cosine waves from 0 to 1 and back, each twice as long as the one before.

    The factor is ½(1 − cos(2π·log₂(1 + 15t))), t = step / n_steps.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024 (RealMLP's
    learning rate).
    """

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * step / n_steps)))

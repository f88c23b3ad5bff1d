"""Constant learning rate."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class ConstantRate(Schedule):
    """Constant learning rate: factor 1 at every step."""

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return np.ones(len(step))

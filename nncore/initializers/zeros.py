"""Zeros."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Initializer


class Zeros(Initializer):
    """0 everywhere: for biases. Weights of zero would give all units of a layer the same gradient for ever."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.zeros(shape)

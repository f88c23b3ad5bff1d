"""Zeros."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Initializer


class Zeros(Initializer):
    """Zeros, for biases. With weights of zero, all units of a layer would have the same gradient forever."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.zeros(shape)

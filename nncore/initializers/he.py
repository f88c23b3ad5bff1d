"""He initialisation, for ReLU: twice the variance, since a ReLU halves it."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Initializer


def _deviation(fan_in: int) -> float:
    """√(2 / n_in): standard deviation of a weight; 0 inputs are treated as 1."""
    return math.sqrt(2 / max(fan_in, 1))


class HeUniform(Initializer):
    """He uniform, for ReLU: U(−c, c), c = √(6 / n_in), whose variance is 2 / n_in.

    References
    ----------
    He et al., "Delving deep into rectifiers: surpassing human-level performance on ImageNet classification", 2015.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = math.sqrt(3) * _deviation(fan_in)
        return rng.uniform(-limit, limit, shape)


class HeNormal(Initializer):
    """He normal, for ReLU: N(0, 2 / n_in), not truncated.

    References
    ----------
    He et al., "Delving deep into rectifiers: surpassing human-level performance on ImageNet classification", 2015.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, _deviation(fan_in), shape)

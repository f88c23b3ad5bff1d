"""Glorot's initialisation: the compromise between keeping variance forwards and backwards."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Initializer


def _deviation(fan_in: int, fan_out: int) -> float:
    """√(2 / (n_in + n_out)): standard deviation of a weight; a unit without connections counts as one with one."""
    return math.sqrt(2 / max(fan_in + fan_out, 1))


class GlorotUniform(Initializer):
    """U(−c, c), c = √(6 / (n_in + n_out)), whose variance is 2 / (n_in + n_out).

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = math.sqrt(3) * _deviation(fan_in, fan_out)
        return rng.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """N(0, 2 / (n_in + n_out)), not truncated.

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, _deviation(fan_in, fan_out), shape)

"""Glorot (Xavier) initialisation: a compromise between preserving variance forwards and backwards."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Initializer


def _deviation(fan_in: int, fan_out: int) -> float:
    """√(2 / (n_in + n_out)): standard deviation of a weight; 0 connections are treated as 1."""
    return math.sqrt(2 / max(fan_in + fan_out, 1))


class GlorotUniform(Initializer):
    """Glorot (Xavier) uniform: U(−c, c), c = √(6 / (n_in + n_out)), whose variance is 2 / (n_in + n_out).

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = math.sqrt(3) * _deviation(fan_in, fan_out)
        return rng.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """Glorot (Xavier) normal: N(0, 2 / (n_in + n_out)), not truncated.

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, _deviation(fan_in, fan_out), shape)

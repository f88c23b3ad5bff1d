"""LeCun's initialisation: standardised inputs give sums of variance one."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Initializer


def _deviation(fan_in: int) -> float:
    """√(1 / n_in): standard deviation of a weight; a unit without inputs counts as one with one."""
    return math.sqrt(1 / max(fan_in, 1))


class LeCunNormal(Initializer):
    """N(0, 1 / n_in), not truncated.

    Notes
    -----
    Keras' initializer of this name redraws what lies beyond two standard deviations and widens the distribution so that the
    variance is again 1 / n_in. The paper truncates nothing: "randomly drawn from a distribution with mean zero and standard
    deviation" n_in^(−1/2). The variance is that of both.

    References
    ----------
    LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998, section 4.6.
    Klambauer et al., "Self-normalizing neural networks", 2017 (for layers that feed a SELU).
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, _deviation(fan_in), shape)


class LeCunUniform(Initializer):
    """U(−c, c), c = √(3 / n_in), whose variance is 1 / n_in.

    References
    ----------
    LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998, section 4.6.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = math.sqrt(3) * _deviation(fan_in)
        return rng.uniform(-limit, limit, shape)

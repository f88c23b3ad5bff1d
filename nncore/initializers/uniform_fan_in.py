"""Uniform initialisation within ±1/√fan-in."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Initializer


class UniformFanIn(Initializer):
    """Uniform within ±1/√n, n = fan-in, for weights and biases: the default of PyTorch's ``Linear``.

    For inputs x of mean 0 and variance 1 the variance of x·W is n · 1/(3n) = 1/3, and that of x·W + b is 1/3 + 1/(3n). So outputs are close
    to 0, where a sigmoid or tanh is steep.

    References
    ----------
    LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998 (the idea, with variance 1/n).
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = 1 / math.sqrt(max(fan_in, 1))
        return rng.uniform(-limit, limit, shape)

"""Normal initialisation with variance 1/fan-in."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Initializer


class XavierNotes(Initializer):
    """Normal with variance 1/fan-in: gain · N(0, 1/n), n = fan-in, so that x·W has gain² times the variance of x.

    It is often called Xavier initialisation, but Glorot's own (`GlorotNormal`) has the mean of fan-in and fan-out instead of n.

    Parameters
    ----------
    gain : float, default 1.0
        1 preserves the variance from layer to layer. ``gain=2.0`` is ``2*randn(n_out, n_in)/sqrt(n_in)`` of some lecture code,
        which quadruples the variance in each layer.

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    ranges: ClassVar[dict[str, str]] = {"gain": "[0, inf)"}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, self.gain / math.sqrt(max(fan_in, 1)), shape)

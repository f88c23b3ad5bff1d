"""Random walk initialisation: the log of the gradient's norm goes up as often as down."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Initializer


class RandomWalk(Initializer):
    """g · N(0, 1/N), N = fan-in, with g such that the log of a back-propagated gradient's norm has no drift.

    With g = 1 the mean *square* of the norm is kept, but the mean of its *log* falls by 1/(2N) a layer (Jensen), so that the
    typical gradient vanishes where N is small compared to the depth. The paper's g makes up for it::

        linear:  g = exp(1 / (2N))
        relu:    g = √2 · exp(1.2 / (max(N, 6) − 2.4))

    The first is exact to second order in 1/N, the second a fit to simulations that draw the units a ReLU cuts off independently
    of the weights. What is left is "a random walk of the log of the norm", whose variance "grows only linearly with network
    depth and is inversely proportional to the size of each layer".

    The paper's layers all have N units. Elsewhere the fan-in is right: each of the fan-in entries of the gradient handed down
    is a sum with variance g²/N · ‖gradient‖², which gives the same norm on average.

    Parameters
    ----------
    activation : {"linear", "relu"}, default "relu"
        What follows the layers of the network.

    Raises
    ------
    ParameterError
        For another activation.

    References
    ----------
    Sussillo & Abbott, "Random walk initialization for training very deep feedforward networks", 2014.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"activation": ("linear", "relu")}

    def __init__(self, activation: str = "relu") -> None:
        self.activation = activation

    def gain(self, fan_in: int) -> float:
        """The paper's g.

        Parameters
        ----------
        fan_in : int
            Inputs of a unit; one without any counts as one with one.

        Returns
        -------
        float
            The factor of the standard deviation 1/√n_in.
        """
        n = max(fan_in, 1)
        if self.activation == "linear":
            return math.exp(1 / (2 * n))
        return math.sqrt(2) * math.exp(1.2 / (max(n, 6) - 2.4))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, self.gain(fan_in) / math.sqrt(max(fan_in, 1)), shape)

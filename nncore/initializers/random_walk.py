"""Random walk initialisation: the log of the gradient's norm has no drift."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Initializer


class RandomWalk(Initializer):
    """Random walk initialisation, for very deep networks: g · N(0, 1/N), N = fan-in.

    g is chosen so that the log of a back-propagated gradient's norm has no drift. With g = 1 the mean *square* of the norm is preserved,
    but the mean of its *log* falls by 1/(2N) in each layer (Jensen). The typical gradient then vanishes if N is small compared with the
    depth. The paper's g compensates for this::

        linear:  g = exp(1 / (2N))
        relu:    g = √2 · exp(1.2 / (max(N, 6) − 2.4))

    The first is exact to second order in 1/N. The second is a fit to simulations in which the units that a ReLU cuts off are independent of
    the weights. The log of the norm then follows a random walk, whose variance "grows only linearly with network depth and is inversely
    proportional to the size of each layer".

    The paper's layers all have N units. For other layers the fan-in is right. Each of the fan-in entries of the gradient that is passed
    down is a sum with variance g²/N · ‖gradient‖², so the norm is the same on average.

    Parameters
    ----------
    activation : {"linear", "relu"}, default "relu"
        Activation of the layers of the network.

    Raises
    ------
    ParameterError
        If the activation is another one.

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
            Number of inputs of a unit; 0 is treated as 1.

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

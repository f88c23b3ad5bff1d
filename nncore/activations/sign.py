"""Sign function."""

from __future__ import annotations

import numpy as np

from nncore.errors import NotTrainableError
from nncore.plugin import Activation, Graph, Kernel, Value


class Sign(Activation):
    """Sign function, for prediction only: φ(z) = 1 where z > 0, −1 where z < 0, 0 at 0. Its derivative is 0 or undefined.

    References
    ----------
    Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain", 1958.
    """

    trainable = False
    output_domain = "[-1, 1]"
    kernel = Kernel("nncore._core.native:activation_sign")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.sign(z)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, 1, g.where(z < 0, -1, z))  # z at 0, and NaN

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        raise NotTrainableError(
            "sign has no useful derivative: train with 'tanh' and replace it afterwards, or use nncore.estimators.Perceptron"
        )

"""Step function."""

from __future__ import annotations

import numpy as np

from nncore.errors import NotTrainableError
from nncore.plugin import Activation, Graph, Kernel, Value


class Step(Activation):
    """Step function, for prediction only: φ(z) = 1 where z > 0, else 0. Its derivative is 0 or undefined.

    References
    ----------
    McCulloch & Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.
    """

    trainable = False
    output_domain = "[0, 1]"
    kernel = Kernel("nncore._core.native:activation_step")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.heaviside(z, z.dtype.type(0))

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, 1, g.where(z < 0, 0, z))  # z at 0, and NaN

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        raise NotTrainableError(
            "step has no useful derivative: train with 'sigmoid' and replace it afterwards, or use nncore.estimators.Perceptron"
        )

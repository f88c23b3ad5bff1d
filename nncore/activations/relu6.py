"""Rectified linear unit with an upper bound."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class ReLU6(Activation):
    """ReLU6, a ReLU with an upper bound of 6: φ(z) = min(max(z, 0), 6); φ'(z) = 1 where 0 < z < 6, else 0.

    `hard_tanh` has other bounds.

    References
    ----------
    Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """

    output_domain = "[0, 6]"
    kernel = Kernel("nncore._core.native:activation_hard_tanh")

    def hyper(self) -> list[float]:
        return [0.0, 0.0, 6.0, 1.0]

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.clip(z, 0, 6)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.minimum(g.maximum(z, 0), 6)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where((a <= 0) | (a >= 6), d_a.dtype.type(0), d_a)

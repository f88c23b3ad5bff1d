"""Hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Tanh(Activation):
    """Hyperbolic tangent: φ(z) = tanh z, φ'(z) = 1 − φ(z)².

    References
    ----------
    LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998.
    """

    output_domain = "(-1, 1)"
    kernel = Kernel("nncore._core.native:activation_tanh")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.tanh(z)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.tanh(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        # 1 − a² as a product: a² would lose the digits in which a differs from 1.
        return d_a * ((1 - a) * (1 + a))

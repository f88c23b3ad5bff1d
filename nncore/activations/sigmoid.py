"""Logistic function."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Sigmoid(Activation):
    """Sigmoid, the logistic function: φ(z) = 1 / (1 + exp(−z)), φ'(z) = φ(z)(1 − φ(z)).

    It is computed from exp(−|z|), which cannot overflow and is accurate for z → −∞.

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.
    """

    output_domain = "(0, 1)"
    kernel = Kernel("nncore._core.native:activation_sigmoid")

    def forward(self, z: np.ndarray) -> np.ndarray:
        e = np.exp(-np.abs(z))
        return np.where(z < 0, e, z.dtype.type(1)) / (1 + e)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.sigmoid(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * (a * (1 - a))

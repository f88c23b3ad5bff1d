"""Rectified linear unit."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class ReLU(Activation):
    """ReLU, rectified linear unit: φ(z) = max(0, z), φ'(z) = 1 where z > 0, else 0.

    References
    ----------
    Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """

    output_domain = "[0, inf)"
    kernel = Kernel("nncore._core.native:activation_relu")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.where(z <= 0, z.dtype.type(0), z)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.maximum(z, 0)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where(a <= 0, d_a.dtype.type(0), d_a)

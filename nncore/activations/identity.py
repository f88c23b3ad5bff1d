"""No activation."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Identity(Activation):
    """No activation: φ(z) = z, φ'(z) = 1."""

    output_domain = "input"
    kernel = Kernel("nncore._core.native:activation_identity")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z

    def formula(self, g: Graph, z: Value) -> Value:
        return z

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a

"""Scaled exponential linear unit."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: With these, and weights of variance 1 / n_inputs, a layer preserves mean 0 and variance 1.
SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


class SELU(Activation):
    """SELU, a scaled exponential linear unit for self-normalising networks.

    φ(z) = λz where z > 0, else λα(exp(z) − 1); φ'(z) = λ where z > 0, else φ(z) + λα; λ ≈ 1.0507, α ≈ 1.6733.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.
    """

    output_domain = "(-1.759, inf)"  # −λα ≈ −1.7581
    kernel = Kernel("nncore._core.native:activation_selu")

    def forward(self, z: np.ndarray) -> np.ndarray:
        scalar = z.dtype.type
        return np.where(z > 0, scalar(SCALE) * z, scalar(SCALE * ALPHA) * np.expm1(np.minimum(z, 0)))

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, SCALE * z, SCALE * ALPHA * g.expm1(g.minimum(z, 0)))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        scalar = a.dtype.type
        return d_a * np.where(a > 0, scalar(SCALE), a + scalar(SCALE * ALPHA))

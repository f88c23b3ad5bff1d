"""Sigmoid-weighted linear unit, also called swish."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: exp(−FAR) is 0; z is held inside ±FAR where it meets such a 0, as ∞·0 would be NaN.
FAR = 1000.0


class SiLU(Activation):
    """φ(z) = z·σ(z), φ'(z) = σ(z)(1 + z(1 − σ(z))), σ the logistic function.

    Computed from e = exp(−|z|), which cannot overflow: σ(z) is 1 / (1 + e) on the right and e / (1 + e) on the left.

    References
    ----------
    Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", 2016.
    Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning", 2017.
    Ramachandran, Zoph & Le, "Searching for activation functions", 2017 (as swish).
    """

    needs_input = True
    output_domain = "[-0.279, inf)"  # −0.2785 at z ≈ −1.28
    kernel = Kernel("nncore._core.native:activation_silu")

    def forward(self, z: np.ndarray) -> np.ndarray:
        e = np.exp(-np.abs(z))
        return np.where(z < 0, np.clip(z, -FAR, 0) * e, z) / (1 + e)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.named("silu", g.maximum(z, -FAR) * g.sigmoid(z), z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        e = np.exp(-np.abs(z))
        share = np.where(z < 0, e, z.dtype.type(1))
        return d_a * (share * (1 + e) + np.clip(z, -FAR, FAR) * e) / (1 + e) ** 2

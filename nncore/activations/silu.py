"""Sigmoid-weighted linear unit, also called swish."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: exp(−FAR) is 0; z is held inside ±FAR where it meets such a 0, as ∞·0 would be NaN.
FAR = 1000.0


class SiLU(Activation):
    """SiLU, also called swish.

    φ(z) = z·σ(βz), φ'(z) = σ(βz)(1 + βz(1 − σ(βz))), σ the logistic function. It is computed from e = exp(−β|z|), which cannot overflow:
    σ(βz) is 1 / (1 + e) for z > 0 and e / (1 + e) otherwise.

    Parameters
    ----------
    beta : float in (0, inf), default 1.0
        β of swish: the larger, the closer to ReLU; near 0, φ is z/2. 1.702 is close to `gelu`.

    References
    ----------
    Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", 2016.
    Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning", 2017.
    Ramachandran, Zoph & Le, "Searching for activation functions", 2017 (as swish).
    """

    ranges: ClassVar[dict[str, str]] = {"beta": "(0, inf)"}
    needs_input = True
    kernel = Kernel("nncore._core.native:activation_silu")

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def output_domain_for(self, n_columns: int) -> str:
        return f"[{-0.279 / self.beta}, inf)"  # −0.2785/β at βz ≈ −1.28

    def forward(self, z: np.ndarray) -> np.ndarray:
        u, e = self._scaled(z)
        return np.where(z < 0, np.clip(u, -FAR, 0) * e, u) / (1 + e) * z.dtype.type(1 / self.beta)

    def formula(self, g: Graph, z: Value) -> Value:
        u = z if self.beta == 1 else self.beta * z
        a = g.named("silu", g.maximum(u, -FAR) * g.sigmoid(u), u)
        return a if self.beta == 1 else a * (1 / g.value(self.beta))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        u, e = self._scaled(z)
        share = np.where(z < 0, e, z.dtype.type(1))
        return d_a * (share * (1 + e) + np.clip(u, -FAR, FAR) * e) / (1 + e) ** 2

    def _scaled(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u = βz, and exp(−|u|)."""
        u = z.dtype.type(self.beta) * z
        return u, np.exp(-np.abs(u))

"""Gaussian error linear unit."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: exp(−FAR) is 0; z is held inside ±FAR where it meets such a 0, as ∞·0 would be NaN.
FAR = 1000.0
#: Coefficients of z and z³ in the argument of the logistic function that approximates Φ.
LINEAR, CUBIC = 2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715

_erfc = np.vectorize(math.erfc, otypes=[np.float64])  # NumPy has none


class GELU(Activation):
    """GELU, Gaussian error linear unit.

    φ(z) = z·Φ(z), Φ the distribution function of the standard normal; φ'(z) = Φ(z) + z·exp(−z²/2) / √(2π).

    Parameters
    ----------
    approximate : {"none", "tanh"}, default "none"
        ``"tanh"`` is the paper's ½z(1 + tanh(√(2/π)(z + 0.044715z³))), as in GPT-2. Its error is up to 5e-4.

    Notes
    -----
    Φ is computed from the complementary error function: PyTorch's 1 + erf(z/√2) has no correct digit below z = −6 in float32.

    References
    ----------
    Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", 2016.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"approximate": ("none", "tanh")}
    needs_input = True
    output_domain = "[-0.171, inf)"  # −0.1700 at z ≈ −0.75
    kernel = Kernel("nncore._core.native:activation_gelu")

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def hyper(self) -> list[float]:
        return [float(self.approximate == "tanh")]

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.maximum(z, -FAR) * self._distribution(z)

    def formula(self, g: Graph, z: Value) -> Value:
        near = g.maximum(z, -FAR)  # where Φ is 0, −∞ · 0 would be NaN
        if self.approximate == "none":
            return g.named("gelu", near * (0.5 + 0.5 * g.erf(math.sqrt(0.5) * near)), z)
        near_both = g.minimum(near, FAR)
        return g.named("gelu_tanh", near * g.sigmoid(near_both * (LINEAR + CUBIC * (near_both * near_both))), z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        near = np.clip(z, -FAR, FAR)
        if self.approximate == "tanh":
            density = self._distribution(near) * self._distribution(-near) * (LINEAR + 3 * CUBIC * near**2)
        else:
            density = np.exp(-0.5 * near**2) / z.dtype.type(math.sqrt(2 * math.pi))
        return d_a * (self._distribution(z) + near * density)

    def _distribution(self, z: np.ndarray) -> np.ndarray:
        """Φ(z), or its approximation ½(1 + tanh u) = 1 / (1 + exp(−2u))."""
        if self.approximate == "none":
            return (0.5 * _erfc(-math.sqrt(0.5) * z.astype(np.float64))).astype(z.dtype)
        near = np.clip(z, -FAR, FAR)
        u2 = near * (LINEAR + CUBIC * near**2)
        e = np.exp(-np.abs(u2))
        return np.where(z < 0, e, z.dtype.type(1)) / (1 + e)

"""Mish."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: exp(−FAR) is 0; z is held inside ±FAR where it meets such a 0, as ∞·0 would be NaN.
FAR = 1000.0


class Mish(Activation):
    """Mish, a smooth activation close to `silu`.

    φ(z) = z·tanh(log(1 + exp(z))), φ'(z) = t + z(1 − t²)σ(z), t the tanh and σ the logistic function.

    It is computed without tanh and log: with w = exp(z), t = (w² + 2w) / (w² + 2w + 2). For z > 0 the fraction is reduced by w², so that
    only e = exp(−|z|) appears, which cannot overflow.

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.
    """

    needs_input = True
    output_domain = "[-0.309, inf)"  # −0.3088 at z ≈ −1.19
    kernel = Kernel("nncore._core.native:activation_mish")

    def forward(self, z: np.ndarray) -> np.ndarray:
        _, numerator, denominator = _fraction(z)
        return np.maximum(z, -FAR) * (numerator / denominator)

    def formula(self, g: Graph, z: Value) -> Value:
        e = g.exp(-abs(z))
        numerator = g.where(z < 0, e * (e + 2), 1 + 2 * e)
        share = numerator / (numerator + g.where(z < 0, 2, 2 * e * e))
        return g.named("mish", g.maximum(z, -FAR) * share, z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        e, numerator, denominator = _fraction(z)
        # (1 − t²)σ = 4e(1 + e) / denominator² on the left, and e times that on the right
        slope = 4 * (1 + e) * np.where(z < 0, e, e * e)
        return d_a * (numerator * denominator + np.clip(z, -FAR, FAR) * slope) / denominator**2


def _fraction(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """exp(−|z|), and numerator and denominator of tanh(log(1 + exp(z)))."""
    e = np.exp(-np.abs(z))
    numerator = np.where(z < 0, e * (e + 2), 1 + 2 * e)
    return e, numerator, numerator + np.where(z < 0, z.dtype.type(2), 2 * e * e)

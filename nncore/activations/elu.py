"""Exponential linear unit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class ELU(Activation):
    """ELU, exponential linear unit.

    φ(z) = z where z > 0, else α(exp(z) − 1); φ'(z) = 1 where z > 0, else φ(z) + α.

    Parameters
    ----------
    alpha : float in [0, inf), default 1.0
        α; −α is the value at z → −∞. It is not negative, so that φ(z) shows the sign of z.

    References
    ----------
    Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential linear units (ELUs)", ICLR 2016.
    """

    ranges: ClassVar[dict[str, str]] = {"alpha": "[0, inf)"}
    kernel = Kernel("nncore._core.native:activation_elu")

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def hyper(self) -> list[float]:
        return [float(self.alpha), 1.0]

    def output_domain_for(self, n_columns: int) -> str:
        return f"({-float(self.alpha)}, inf)" if self.alpha > 0 else "[0, inf)"

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, z.dtype.type(self.alpha) * np.expm1(np.minimum(z, 0)))

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, z, self.alpha * g.expm1(g.minimum(z, 0)))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where(a > 0, d_a, d_a * (a + a.dtype.type(self.alpha)))

"""Continuously differentiable exponential linear unit (CELU)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class CELU(Activation):
    """CELU, an exponential linear unit with slope 1 at zero for any α.

    φ(z) = z where z > 0, else α(exp(z/α) − 1); φ'(z) = 1 where z > 0, else φ(z)/α + 1.

    Parameters
    ----------
    alpha : float in (0, inf), default 1.0
        α; −α is the value at z → −∞. With 1 it is `elu`.

    References
    ----------
    Barron, "Continuously differentiable exponential linear units", 2017.
    """

    ranges: ClassVar[dict[str, str]] = {"alpha": "(0, inf)"}
    kernel = Kernel("nncore._core.native:activation_elu")

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def hyper(self) -> list[float]:
        return [float(self.alpha), 1 / self.alpha]

    def output_domain_for(self, n_columns: int) -> str:
        return f"({-float(self.alpha)}, inf)"

    def forward(self, z: np.ndarray) -> np.ndarray:
        number = z.dtype.type
        return np.where(z > 0, z, number(self.alpha) * np.expm1(number(1 / self.alpha) * np.minimum(z, 0)))

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, z, self.alpha * g.expm1(1 / self.alpha * g.minimum(z, 0)))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        number = a.dtype.type
        return np.where(a > 0, d_a, d_a * ((a + number(self.alpha)) * number(1 / self.alpha)))

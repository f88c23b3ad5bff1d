"""Softplus: a smooth ReLU, positive everywhere."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Softplus(Activation):
    """Softplus, a smooth ReLU that is positive everywhere.

    φ(z) = log(1 + exp(βz)) / β, φ'(z) = 1 / (1 + exp(−βz)) = 1 − exp(−βφ(z)). It is computed as max(z, 0) + log(1 + exp(−β|z|)) / β, which
    cannot overflow and is accurate everywhere. So it needs no `threshold` as in PyTorch, beyond which the two differ by less than 3e-9.

    Parameters
    ----------
    beta : float in (0, inf), default 1.0
        β; the larger, the closer to ReLU.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau & Garcia, "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.
    """

    ranges: ClassVar[dict[str, str]] = {"beta": "(0, inf)"}
    output_domain = "(0, inf)"
    kernel = Kernel("nncore._core.native:activation_softplus")

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, z: np.ndarray) -> np.ndarray:
        beta = z.dtype.type(self.beta)
        return np.maximum(z, 0) + np.log1p(np.exp(-beta * np.abs(z))) / beta

    def formula(self, g: Graph, z: Value) -> Value:
        return g.maximum(z, 0) + 1 / g.value(self.beta) * g.log1p(g.exp(-self.beta * abs(z)))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * -np.expm1(-a.dtype.type(self.beta) * a)

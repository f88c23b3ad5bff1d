"""Exponential function."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Exp(Activation):
    """Exponential function, for positive outputs: the link of the loss ``poisson``.

    φ(z) = exp(z), φ'(z) = φ(z). Above z ≈ 88 in float32 (709 in float64) it is infinite, which stops training with an error.
    """

    output_domain = "(0, inf)"
    kernel = Kernel("nncore._core.native:activation_exp")

    def forward(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # gives infinity, which the host reports
            return np.exp(z)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.exp(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * a

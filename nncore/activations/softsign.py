"""Softsign: like tanh, with a slower approach to −1 and 1."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value

#: Beyond it z/(1 + |z|) is ±1 in any dtype; infinities are held there, as ∞/∞ would be NaN.
FAR = 1e30


class Softsign(Activation):
    """Softsign: like tanh, with a slower approach to −1 and 1, so that saturated units still learn.

    φ(z) = z / (1 + |z|), φ'(z) = 1 / (1 + |z|)². It approaches ±1 like 1/|z|, `tanh` like exp(−2|z|). `backward` reads z, since
    1 − |φ(z)| is inaccurate for large |z|.

    References
    ----------
    Bergstra, Desjardins, Lamblin & Bengio, "Quadratic polynomials learn better image features", 2009. Glorot & Bengio, "Understanding the
    difficulty of training deep feedforward neural networks", 2010.
    """

    needs_input = True
    output_domain = "(-1, 1)"
    kernel = Kernel("nncore._core.native:activation_softsign")

    def forward(self, z: np.ndarray) -> np.ndarray:
        near = np.clip(z, -FAR, FAR)
        return near / (1 + np.abs(near))

    def formula(self, g: Graph, z: Value) -> Value:
        near = g.maximum(g.minimum(z, FAR), -FAR)
        return near / (1 + abs(near))

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        share = 1 / (1 + np.abs(z))
        return d_a * (share * share)

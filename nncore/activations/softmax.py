"""Softmax: a row of numbers becomes a row of probabilities."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Softmax(Activation):
    """φ(z)ᵢ = exp(zᵢ) / Σⱼ exp(zⱼ) over each row; ∂E/∂zᵢ = φᵢ (∂E/∂φᵢ − Σⱼ φⱼ ∂E/∂φⱼ).

    The largest z of a row is subtracted first, which changes nothing but that exp cannot overflow. For training a classifier
    leave it out and use the loss ``softmax_cross_entropy``, which is more accurate and quicker than the two apart.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    output_domain = "distribution"
    kernel = Kernel("nncore._core.native:activation_softmax")

    def forward(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
            e = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
            return e / e.sum(axis=1, keepdims=True)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.softmax(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        # Counted from that of a probability close to 1: what is left of its own d_a against the mean is as small as 1 − a.
        d_a = d_a - np.where(a > 0.5, d_a, 0).sum(axis=1, keepdims=True)
        return a * (d_a - (a * d_a).sum(axis=1, keepdims=True))

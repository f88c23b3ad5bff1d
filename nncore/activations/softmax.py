"""Softmax: turns a row of numbers into probabilities."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Softmax(Activation):
    """Softmax: class probabilities from each row of outputs.

    φ(z)ᵢ = exp(zᵢ) / Σⱼ exp(zⱼ) over each row; ∂E/∂zᵢ = φᵢ (∂E/∂φᵢ − Σⱼ φⱼ ∂E/∂φⱼ). The largest z of a row is subtracted first, so that exp
    cannot overflow.

    To train a classifier, leave it out and use the loss ``softmax_cross_entropy``, which is faster and more accurate.

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
        # Relative to the gradient of a probability close to 1, whose own difference from the mean is as small as 1 − a.
        d_a = d_a - np.where(a > 0.5, d_a, 0).sum(axis=1, keepdims=True)
        return a * (d_a - (a * d_a).sum(axis=1, keepdims=True))

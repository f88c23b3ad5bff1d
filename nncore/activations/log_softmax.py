"""Logarithms of probabilities: the logarithm of a softmax."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class LogSoftmax(Activation):
    """Log-softmax: logarithms of class probabilities.

    φ(z)ᵢ = zᵢ − log Σⱼ exp(zⱼ) over each row; ∂E/∂zᵢ = ∂E/∂φᵢ − exp(φᵢ) Σⱼ ∂E/∂φⱼ. The largest z of a row is subtracted first, so that exp
    cannot overflow, and the logarithm of a probability near 1 is accurate.

    Where PyTorch pairs it with ``NLLLoss``, use the loss ``softmax_cross_entropy`` on a last layer without an activation, which computes
    the same. Use this activation for predictions in logarithms, and for custom losses.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    output_domain = "(-inf, 0]"
    kernel = Kernel("nncore._core.native:activation_log_softmax")

    def forward(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):  # ∞ − ∞ gives NaN, which the host reports; a row may be empty
            shifted = z - z.max(axis=1, keepdims=True, initial=-np.inf)
            e = np.exp(shifted)
            ones = (e == 1).sum(axis=1, keepdims=True).astype(z.dtype)
            return shifted - np.log1p(np.where(e == 1, 0, e).sum(axis=1, keepdims=True) + (ones - 1))

    def formula(self, g: Graph, z: Value) -> Value:
        return g.log_softmax(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a - np.exp(a) * d_a.sum(axis=1, keepdims=True)

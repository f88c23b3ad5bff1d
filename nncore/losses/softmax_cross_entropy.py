"""Softmax and cross-entropy in one."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class SoftmaxCrossEntropy(Loss):
    """E = −Σⱼ Yⱼ log pⱼ with p = softmax(z), from the logits z; ∂E/∂z = p − Y.

    The network's last layer has no activation. A target is a class index or a row Y over the classes. Computed as
    log Σⱼ exp(zⱼ − max z) − (z_true − max z): no exp overflows, no logarithm of 0 is taken. Should a row of Y sum to some
    s ≠ 1, the gradient is that of the same E, s·p − Y.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    targets = "both"
    link = "softmax"
    metrics = ("accuracy",)
    kernel = Kernel("nncore._core.native:loss_softmax_cross_entropy")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
            z = output - output.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(z).sum(axis=1))
        if target.ndim == 1:
            return log_sum - z[np.arange(len(z)), target]
        return target.sum(axis=1) * log_sum - (target * z).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            e = np.exp(output - output.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
        if target.ndim == 1:
            p[np.arange(len(p)), target] -= 1
            return p
        return p * target.sum(axis=1, keepdims=True) - target

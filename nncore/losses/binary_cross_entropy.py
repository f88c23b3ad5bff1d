"""Cross-entropy of yes/no outputs, from logits."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class BinaryCrossEntropy(Loss):
    """E = Σⱼ −Yⱼ log p − (1 − Yⱼ) log(1 − p) with p = sigmoid(zⱼ); ∂E/∂z = p − Y.

    The network's last layer has no activation: its outputs are the logits z. Each output is a yes/no question of its own;
    one output makes a two-class classifier. Targets lie in [0, 1]. Computed as max(z, 0) − zY + log(1 + exp(−|z|)), which
    neither overflows nor takes the logarithm of 0.

    References
    ----------
    Cox, "The regression analysis of binary sequences", 1958.
    """

    target_range = "[0, 1]"
    link = "sigmoid"
    metrics = ("accuracy",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_binary_cross_entropy")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        z = output
        with np.errstate(invalid="ignore"):  # an infinite logit may give NaN, which the host reports
            return (np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        e = np.exp(-np.abs(output))
        tail = e / (1 + e)  # sigmoid(−|z|): near Y = 1, 1 − Y − tail keeps the digits that sigmoid(z) − Y loses
        return np.where(output < 0, tail - target, 1 - target - tail)

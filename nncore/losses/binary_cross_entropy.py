"""Binary cross-entropy from logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Loss


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy from logits, for two classes or several independent labels.

    E = Σⱼ −Yⱼ log p − (1 − Yⱼ) log(1 − p) with p = sigmoid(zⱼ); ∂E/∂z = p − Y.

    The last layer has no activation: its outputs are the logits z. One output makes a two-class classifier; several outputs are independent
    labels. Targets lie in [0, 1]. It is computed as max(z, 0) − zY + log(1 + exp(−|z|)), which neither overflows nor takes the logarithm of
    0.

    Parameters
    ----------
    label_smoothing : float in [0, 1], default 0.0
        ε: smooth the targets in training, Y becomes (1 − ε)Y + ε/2, as in Keras' ``BinaryCrossentropy``. One output trains like two of
        ``softmax_cross_entropy`` with the same ε. The validation loss and ``evaluate`` use Y itself.

    References
    ----------
    Cox, "The regression analysis of binary sequences", 1958. On smoothing: Szegedy et al., "Rethinking the inception
    architecture for computer vision", 2016, section 7.
    """

    target_range = "[0, 1]"
    ranges: ClassVar[dict[str, str]] = {"label_smoothing": "[0, 1]"}
    training_only: ClassVar[dict[str, Any]] = {"label_smoothing": 0.0}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"label_smoothing": 0.1})
    link = "sigmoid"
    metrics = ("accuracy",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_binary_cross_entropy")

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        z, target = output, target - self.label_smoothing * (target - 0.5)
        with np.errstate(invalid="ignore"):  # an infinite logit may give NaN, which the host reports
            return (np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        target = target - self.label_smoothing * (target - 0.5)
        e = np.exp(-np.abs(output))
        tail = e / (1 + e)  # sigmoid(−|z|): near Y = 1, 1 − Y − tail keeps the digits that sigmoid(z) − Y loses
        return np.where(output < 0, tail - target, 1 - target - tail)

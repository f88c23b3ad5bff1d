"""Focal loss of binary outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Loss


class BinaryFocal(Loss):
    """Focal loss from logits for imbalanced binary outputs: binary cross-entropy that gives easy samples little weight.

    E = −Σⱼ α Yⱼ (1 − pⱼ)^γ log pⱼ + (1 − α)(1 − Yⱼ) pⱼ^γ log(1 − pⱼ) with p = sigmoid(z), from the logits z.

    Use one output for two classes, or one for each of several independent labels. The last layer has no activation. Targets lie in [0, 1].
    With q = 1 − p, the first term has the gradient −α Y q^γ (q − γ p log p); the second term has that of the opposite class. For targets of
    0 and 1 it is torchvision's ``sigmoid_focal_loss`` and Keras' ``BinaryFocalCrossentropy(from_logits=True)``, summed over the outputs of
    a sample. For several exclusive classes see ``focal``.

    Parameters
    ----------
    gamma : float >= 0, default 2.0
        γ: the larger, the less easy samples count. 0 is (weighted) ``binary_cross_entropy``.
    alpha : float in [0, 1] or None, default None
        α, the weight of the positive class; the negative class has 1 − α. The paper uses 0.25. None is 1 for both.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", 2017.
    """

    target_range = "[0, 1]"
    ranges: ClassVar[dict[str, str]] = {"gamma": "[0, inf)", "alpha": "[0, 1]"}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"gamma": 0.5, "alpha": 0.25}, {"gamma": 0.0})
    link = "sigmoid"
    metrics = ("accuracy",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_binary_focal")

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        self.gamma = gamma
        self.alpha = alpha

    def hyper(self) -> list[float]:
        """γ, and the weights of yes and of no."""
        return [float(self.gamma), *map(float, self._weights())]

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        yes, no = map(output.dtype.type, self._weights())
        (of_yes, _), (of_no, _) = self._answer(output), self._answer(-output)
        return (yes * target * of_yes + no * (1 - target) * of_no).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        yes, no = map(output.dtype.type, self._weights())
        (_, d_yes), (_, d_no) = self._answer(output), self._answer(-output)
        return yes * target * d_yes - no * (1 - target) * d_no

    def _weights(self) -> tuple[float, float]:
        return (1.0, 1.0) if self.alpha is None else (self.alpha, 1 - self.alpha)

    def _answer(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """−q^γ log p and its slope, q^γ coming from log q = −log(1 + exp z), which is never that of 0."""
        e = np.exp(-np.abs(z))
        tail, near = e / (1 + e), np.log1p(e)
        p, q = np.where(z < 0, tail, 1 - tail), np.where(z < 0, 1 - tail, tail)
        minus_log_p, minus_log_q = near + np.maximum(-z, 0), near + np.maximum(z, 0)
        gamma = z.dtype.type(self.gamma)
        factor = np.exp(-gamma * minus_log_q)
        return factor * minus_log_p, -factor * (q + gamma * p * minus_log_p)

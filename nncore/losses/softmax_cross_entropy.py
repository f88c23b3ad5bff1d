"""Softmax cross-entropy from logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.losses.softmax import d_labels, exponentials, smoothed
from nncore.plugin import Kernel, Loss


class SoftmaxCrossEntropy(Loss):
    """Softmax cross-entropy from logits: the usual loss for classification.

    E = −Σⱼ Yⱼ log pⱼ with p = softmax(z), from the logits z; ∂E/∂z = p − Y.

    The last layer has no activation. A target is a class index or a row Y over the classes. It is computed as log(1 + r) − (z_true − max
    z), r the sum of exp(zⱼ − max z) over all j but that of max z: no exp overflows, no logarithm of 0 is taken, and the loss stays accurate
    for probabilities close to 1. If a row of Y sums to s ≠ 1, the gradient is that of the same E, s·p − Y.

    Parameters
    ----------
    label_smoothing : float in [0, 1], default 0.0
        ε: smooth the targets in training, Y becomes (1 − ε)Y + ε·(ΣY)/C for C classes, as in PyTorch's ``CrossEntropyLoss``. This limits
        the growth of the logits. The validation loss and ``evaluate`` use Y itself.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990. On smoothing: Szegedy et al.,
    "Rethinking the inception architecture for computer vision", 2016, section 7.
    """

    targets = "both"
    ranges: ClassVar[dict[str, str]] = {"label_smoothing": "[0, 1]"}
    training_only: ClassVar[dict[str, Any]] = {"label_smoothing": 0.0}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"label_smoothing": 0.1})
    link = "softmax"
    metrics = ("accuracy",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_softmax_cross_entropy")

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        z, _, rest = exponentials(output)
        log_sum = np.log1p(rest[:, 0])
        target = smoothed(target, self.label_smoothing, output)
        if target.ndim == 1:
            return log_sum - z[np.arange(len(z)), target]
        return target.sum(axis=1) * log_sum - (target * z).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        _, e, rest = exponentials(output)
        target = smoothed(target, self.label_smoothing, output)
        if target.ndim == 1:
            return d_labels(e, rest, target)
        share = target.sum(axis=1, keepdims=True) / (1 + rest)
        d_output = e * share - target
        rows, top = np.arange(len(e)), output.argmax(axis=1)
        others = target.copy()
        others[rows, top] = 0
        beyond = others.sum(axis=1)
        complement = beyond - (rest * share)[:, 0]
        d_output[rows, top] = np.where(2 * beyond < target.sum(axis=1), complement, d_output[rows, top])
        return d_output

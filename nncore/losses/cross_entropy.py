"""Cross-entropy of probabilities, for a network that ends in a softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.losses.softmax import smoothed
from nncore.plugin import Kernel, Loss


class CrossEntropy(Loss):
    """Cross-entropy of probabilities: for networks that end in a softmax.

    E = −Σⱼ Yⱼ log yⱼ, ∂E/∂yⱼ = −Yⱼ / yⱼ, where the outputs y are probabilities.

    ``softmax_cross_entropy`` on a layer without activation computes the same more accurately. A target is a class index or a distribution
    over the classes. Each row of outputs must sum to 1; a network with another last activation raises an error. A probability below the
    smallest normal number of its dtype is raised to it, so that loss and gradient stay finite.

    Parameters
    ----------
    label_smoothing : float in [0, 1], default 0.0
        ε: smooth the targets in training, Y becomes (1 − ε)Y + ε·(ΣY)/C for C classes. The validation loss and ``evaluate`` use Y itself.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990. On smoothing: Szegedy et al.,
    "Rethinking the inception architecture for computer vision", 2016, section 7.
    """

    targets = "both"
    ranges: ClassVar[dict[str, str]] = {"label_smoothing": "[0, 1]"}
    training_only: ClassVar[dict[str, Any]] = {"label_smoothing": 0.0}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"label_smoothing": 0.1})
    metrics = ("accuracy",)
    output_domain = "distribution"
    kernel = Kernel("nncore._core.native:loss_cross_entropy")

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        y = np.maximum(output, np.finfo(output.dtype).tiny)
        target = smoothed(target, self.label_smoothing, output)
        if target.ndim == 1:
            return -np.log(y[np.arange(len(y)), target])
        return -(target * np.log(y)).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        y = np.maximum(output, np.finfo(output.dtype).tiny)
        target = smoothed(target, self.label_smoothing, output)
        if target.ndim == 1:
            rows = np.arange(len(y))
            d_output = np.zeros_like(y)
            d_output[rows, target] = -1 / y[rows, target]
            return d_output
        return -target / y

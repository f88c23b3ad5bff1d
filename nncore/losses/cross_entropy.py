"""Cross-entropy of probabilities."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class CrossEntropy(Loss):
    """E = −Σⱼ Yⱼ log yⱼ, ∂E/∂yⱼ = −Yⱼ / yⱼ, where the outputs y are probabilities (a softmax layer).

    A target is a class index or a distribution over the classes. A probability below the smallest normal number of its dtype
    counts as that number, so that neither the loss nor the gradient is infinite. Each row must sum to 1: a network that is known
    to end otherwise is refused. ``softmax_cross_entropy`` on a layer without activation computes the same more accurately.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    targets = "both"
    metrics = ("accuracy",)
    output_domain = "distribution"
    kernel = Kernel("nncore._core.native:loss_cross_entropy")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        y = np.maximum(output, np.finfo(output.dtype).tiny)
        if target.ndim == 1:
            return -np.log(y[np.arange(len(y)), target])
        return -(target * np.log(y)).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        y = np.maximum(output, np.finfo(output.dtype).tiny)
        if target.ndim == 1:
            rows = np.arange(len(y))
            d_output = np.zeros_like(y)
            d_output[rows, target] = -1 / y[rows, target]
            return d_output
        return -target / y

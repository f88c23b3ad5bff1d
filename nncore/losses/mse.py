"""Mean squared error."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class MSE(Loss):
    """Mean squared error: E = (1/m) Σⱼ (yⱼ − Yⱼ)² over the m outputs of a sample, ∂E/∂y = (2/m)(y − Y), as in PyTorch."""

    metrics = ("r2",)
    judge = "r2"
    kernel = Kernel("nncore._core.native:loss_mse")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return ((output - target) ** 2).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (output - target) * output.dtype.type(2 / output.shape[1])

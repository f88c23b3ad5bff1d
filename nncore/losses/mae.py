"""Mean absolute error."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class MAE(Loss):
    """Mean absolute error: predicts the median of the targets, which outliers do not move.

    E = (1/m) Σⱼ |yⱼ − Yⱼ| over the m outputs of a sample, ∂E/∂yⱼ = sign(yⱼ − Yⱼ) / m, 0 where they are equal. As PyTorch's ``L1Loss``.

    References
    ----------
    Laplace, "Théorie analytique des probabilités", second supplement, 1818.
    """

    metrics = ("r2",)
    judge = "d2_absolute_error"
    kernel = Kernel("nncore._core.native:loss_mae")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.abs(output - target).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.sign(output - target) * output.dtype.type(1 / output.shape[1])

"""Half the squared error."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class HalfMSE(Loss):
    """Half the squared error, summed over the outputs of a sample: E = ½‖y − Y‖², ∂E/∂y = y − Y.

    This is the loss of many lecture notes. The mean is over samples only; `nncore.MSE` also averages over outputs.
    """

    metrics = ("r2",)
    judge = "r2"
    kernel = Kernel("nncore._core.native:loss_half_mse")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return ((output - target) ** 2).sum(axis=1) / 2

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return output - target

"""The logarithm of the hyperbolic cosine of the error."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Kernel, Loss


class LogCosh(Loss):
    """Log-cosh loss: like the Huber loss, and smooth everywhere.

    E = (1/m) Σⱼ log cosh(yⱼ − Yⱼ) over the m outputs of a sample; ∂E/∂yⱼ = tanh(yⱼ − Yⱼ)/m.

    It is about ½d² for a small error d, and |d| − log 2 for a large one. Scale the targets so that an error of 1 is large. It is computed
    as ½ log(1 + sinh² d) for |d| < 1, which is accurate for small errors, else as |d| − log 2 + log(1 + exp(−2|d|)), which does not
    overflow. As Keras' ``LogCosh``.

    References
    ----------
    Green, "Bayesian reconstructions from emission tomography data using a modified EM algorithm", 1990, for the penalty log cosh.
    """

    metrics = ("r2",)
    kernel = Kernel("nncore._core.native:loss_log_cosh")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        size = np.abs(output - target)
        t = np.tanh(np.minimum(size, 1))
        near = np.log1p(t * t / ((1 - t) * (1 + t))) / 2
        far = size - output.dtype.type(math.log(2)) + np.log1p(np.exp(-2 * size))
        return np.where(size < 1, near, far).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.tanh(output - target) * output.dtype.type(1 / output.shape[1])

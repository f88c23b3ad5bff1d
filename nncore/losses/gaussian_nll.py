"""Negative log-likelihood of a normal distribution with a predicted variance."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Graph, Kernel, Loss, Value


class GaussianNLL(Loss):
    """Gaussian negative log-likelihood: predict a mean and a variance for each target.

    E = (1/m) Σₜ ½ (log vₜ + (μₜ − Yₜ)²/vₜ) over m targets. The constant ½ log 2π is left out.

    The network has 2m outputs and no last activation: ``output[:, :m]`` are the means μ, ``output[:, m:]`` the logarithms s of the
    variances. v = max(exp s, `min_variance`), so that an exact prediction does not drive E to −∞. ∂E/∂μ = (μ − Y)/(mv);
    ∂E/∂s = (exp s/v)(1 − (μ − Y)²/v)/(2m). Below the smallest variance this is not the derivative of the clamped E, which is 0, but leads
    back above it. All as PyTorch's ``GaussianNLLLoss`` of ``var = exp s``.

    Parameters
    ----------
    min_variance : float > 0, default 1e-6
        Smallest variance, in the squared unit of the targets.

    Raises
    ------
    ShapeError
        When training begins, if the number of outputs is odd.

    References
    ----------
    Nix & Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
    """

    ranges: ClassVar[dict[str, str]] = {"min_variance": "(0, inf)"}
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_gaussian_nll")

    def __init__(self, min_variance: float = 1e-6) -> None:
        self.min_variance = min_variance

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs % 2:
            raise ShapeError(f"GaussianNLL needs a mean and a log-variance for each target, an even number of outputs, got {n_outputs}")
        return n_outputs // 2

    def decide(self, output: np.ndarray) -> np.ndarray:
        return output[:, : output.shape[1] // 2]

    def deviation(self, output: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(np.exp(output[:, output.shape[1] // 2 :]), self.min_variance))

    def of_moments(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        return np.hstack([mean, 2 * np.log(deviation)])

    def for_any_unit(self) -> GaussianNLL:
        return GaussianNLL(min_variance=float(np.finfo(np.float64).tiny))

    def formula(self, g: Graph, output: Value) -> Value:
        return g.columns(output, range(output.sample_shape[0] // 2))

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        residual, _, clamped, precision = self._parts(output, target)
        return (clamped + residual**2 * precision).mean(axis=1) / 2

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        residual, log_variance, clamped, precision = self._parts(output, target)
        d_mean = residual * precision
        d_log_variance = np.exp(log_variance - clamped) * (1 - residual**2 * precision) / 2
        return np.hstack([d_mean, d_log_variance]) * output.dtype.type(1 / target.shape[1])

    def _parts(self, output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """μ − Y, s, log v and 1/v, each of shape (n_rows, m)."""
        m = target.shape[1]
        log_variance = output[:, m:]
        clamped = np.maximum(log_variance, math.log(self.min_variance))
        return output[:, :m] - target, log_variance, clamped, np.exp(-clamped)

"""Continuous ranked probability score of a normal distribution."""

from __future__ import annotations

import math

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Graph, Kernel, Loss, Value

#: Logarithms of variances below it count as this one, whose exp is a normal number in float32.
LOWEST = -170.0
#: Distances from the mean, in standard deviations, beyond which the distribution function is 0 or 1.
FAR = 40.0

_erfc = np.vectorize(math.erfc, otypes=[np.float64])  # NumPy has none


class CRPS(Loss):
    """Continuous ranked probability score: predict a mean and a standard deviation for each target, robust to outliers.

    E = (1/m) Σₜ σₜ (ωₜ (2Φ(ωₜ) − 1) + 2φ(ωₜ) − 1/√π) with ωₜ = (Yₜ − μₜ)/σₜ, over m targets.

    That is ∫ (F(x) − [x ≥ Y])² dx of the normal distribution function F of mean μ and deviation σ; φ and Φ are density and distribution
    function of the standard normal. The network has 2m outputs, as for ``gaussian_nll``, and no last activation. ``output[:, :m]`` are the
    means μ, ``output[:, m:]`` the logarithms s of the variances; σ = exp(s/2). ∂E/∂μ = (1 − 2Φ(ω))/m; ∂E/∂s = σ (φ(ω) − ½/√π)/m.

    E is in the unit of the targets, and the absolute error where σ is 0. An outlier adds its distance, not its square as in
    ``gaussian_nll``, and an exact prediction does not drive E to −∞. Both are proper scores: the true distribution has the smallest E.

    Raises
    ------
    ShapeError
        When training begins, if the number of outputs is odd.

    References
    ----------
    Gneiting & Raftery, "Strictly proper scoring rules, prediction, and estimation", 2007. Gneiting et al., "Calibrated probabilistic
    forecasting using ensemble model output statistics and minimum CRPS estimation", 2005, for the closed form.
    """

    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_crps")

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs % 2:
            raise ShapeError(f"CRPS needs a mean and a log-variance for each target, an even number of outputs, got {n_outputs}")
        return n_outputs // 2

    def decide(self, output: np.ndarray) -> np.ndarray:
        return output[:, : output.shape[1] // 2]

    def deviation(self, output: np.ndarray) -> np.ndarray:
        return np.exp(np.maximum(output[:, output.shape[1] // 2 :], LOWEST) / 2)

    def of_moments(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        return np.hstack([mean, 2 * np.log(deviation)])

    def formula(self, g: Graph, output: Value) -> Value:
        return g.columns(output, range(output.sample_shape[0] // 2))

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        residual, sigma, beyond, density = self._parts(output, target)
        at_most = output.dtype.type(1 / math.sqrt(math.pi))
        return (np.abs(residual) * (1 - 2 * beyond) + sigma * (2 * density - at_most)).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        residual, sigma, beyond, density = self._parts(output, target)
        half = output.dtype.type(0.5 / math.sqrt(math.pi))
        return np.hstack([np.sign(residual) * (1 - 2 * beyond), sigma * (density - half)]) * output.dtype.type(1 / target.shape[1])

    def _parts(self, output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """μ − Y, σ, Φ(−|ω|) and φ(ω), each of shape (n_rows, m)."""
        residual = output[:, : target.shape[1]] - target
        with np.errstate(over="ignore"):  # gives infinity, which the host reports
            sigma = np.exp(np.maximum(output[:, target.shape[1] :], LOWEST) / 2)
            distance = np.minimum(np.abs(residual) / sigma, FAR).astype(np.float64)
        beyond = _erfc(distance * math.sqrt(0.5)) / 2 if distance.size else distance
        density = np.exp(-(distance**2) / 2) / math.sqrt(2 * math.pi)
        return residual, sigma, beyond.astype(output.dtype), density.astype(output.dtype)

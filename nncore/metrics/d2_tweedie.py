"""D² with the Tweedie deviance."""

from __future__ import annotations

import numpy as np

from nncore.errors import ParameterError
from nncore.metrics.d2 import D2Metric


class D2Tweedie(D2Metric):
    """D² with the Tweedie deviance: 1 for perfect predictions, 0 for the mean of the targets. As scikit-learn's ``d2_tweedie_score``.

    Parameters
    ----------
    power : float, default 1.0
        0 is the normal distribution, where D² is R². 1 is Poisson, 2 gamma, and between them compound Poisson-gamma. From 2 on targets must
        be above 0, else at least 0. Predictions that are not above 0 make the score −∞.
    """

    ranges = {"power": "[0, inf)"}

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def validate(self) -> None:
        super().validate()
        if 0 < self.power < 1:
            raise ParameterError(f"D2Tweedie: power must be 0 or a number of at least 1, got {self.power!r}")

    def _deviation(self, output: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
        if self.power == 0:
            return (output - truth) ** 2
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            deviance = self._deviance(output, truth)
        return np.where((output < 0) | np.isnan(deviance), np.inf, deviance)

    def _deviance(self, output: np.ndarray, truth: np.ndarray) -> np.ndarray:
        p = self.power
        if p == 1:
            logs = np.where(truth > 0, truth * np.log(np.where(truth > 0, truth, 1) / output), 0)
            return 2 * (logs - truth + output)
        if p == 2:
            return 2 * (np.log(output / truth) + truth / output - 1)
        of_truth = truth ** (2 - p) / ((1 - p) * (2 - p))
        return 2 * (of_truth - truth * output ** (1 - p) / (1 - p) + output ** (2 - p) / (2 - p))

    def _constant(self, truth: np.ndarray, weight: np.ndarray, level: int) -> float:
        return float(weight @ truth / weight.sum())

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(0.5, 2, (n_rows, 2)), rng.uniform(0.5, 2, (n_rows, 2))

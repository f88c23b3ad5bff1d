"""Half the Tweedie deviance, for amounts of which many are 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Loss

#: Stands for the logarithm of a target of 0: its exp is 0, and so is that of its multiples.
LOG_OF_0 = -1e30


class Tweedie(Loss):
    """Tweedie loss for amounts of which many are 0, such as claims, rain or spending: half the Tweedie deviance, from log-means.

    E = Σⱼ Yⱼ^(2−p)/((1−p)(2−p)) − Yⱼ μⱼ^(1−p)/(1−p) + μⱼ^(2−p)/(2−p), with μ = exp z; ∂E/∂z = μ^(2−p) − Y μ^(1−p), for a power p between 1
    and 2. Up to factors and terms without z, this is the negative log-likelihood of sums of a Poisson number of gamma-distributed amounts.
    Such sums are 0 or positive, and their variance is proportional to μ^p. E is 0 where μ = Y.

    The last layer has no activation: ``predict`` returns log-means z, ``predict_proba`` means, and metrics score means. It is half of
    scikit-learn's ``mean_tweedie_deviance(power=p)``, summed over several outputs.

    For amounts over different times or areas (exposures), learn rates: divide the amounts by the exposures, and pass the exposures as
    sample weights. Then the variance of a sum over an exposure w is w times that over 1, as for independent parts. An offset of log w would
    weight by w^(2−p) instead.

    Parameters
    ----------
    power : float in (1, 2), default 1.5
        p. Towards 1 amounts are like counts (``poisson``), towards 2 they are gamma-distributed and hardly ever 0.

    References
    ----------
    Tweedie, "An index which distinguishes between some important exponential families", 1984. Jørgensen & Paes de Souza, "Fitting Tweedie's
    compound Poisson model to insurance claims data", 1994.
    """

    target_range = "[0, inf)"
    link = "exp"
    predicts_rates = True
    ranges: ClassVar[dict[str, str]] = {"power": "(1, 2)"}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"power": 1.1}, {"power": 1.9})
    metrics = ("mae",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_tweedie")

    def __init__(self, power: float = 1.5) -> None:
        self.power = power

    @property
    def judge(self) -> dict[str, Any]:  # type: ignore[override]  # as the arguments are
        return {"name": "d2_tweedie", "power": self.power}

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        a, b, log_target = self._parts(output, target)
        rise, fall = self._terms(output, a, b, log_target)
        # With r = z − log Y it is Y^a (expm1(a r)/a + expm1(−b r)/b), written with expm1 of negative numbers, which do not overflow.
        distance = np.abs(output - log_target)
        above = np.exp(a * log_target) * (np.expm1(-b * distance) / b) - rise * (np.expm1(-a * distance) / a)
        below = np.exp(a * log_target) * (np.expm1(-a * distance) / a) - fall * (np.expm1(-b * distance) / b)
        return np.where(output < log_target, below, above).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        rise, fall = self._terms(output, *self._parts(output, target))
        return rise - fall

    def _parts(self, output: np.ndarray, target: np.ndarray) -> tuple[np.floating, np.floating, np.ndarray]:
        """a = 2 − p, b = p − 1 and log Y."""
        number = output.dtype.type
        log_target = np.where(target > 0, np.log(np.where(target > 0, target, 1)), number(LOG_OF_0))
        return number(2 - self.power), number(self.power - 1), log_target

    def _terms(self, output: np.ndarray, a: np.floating, b: np.floating, log_target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """μ^a and Y μ^−b."""
        with np.errstate(over="ignore"):  # gives infinity, which the host reports
            return np.exp(a * output), np.exp(log_target - b * output)

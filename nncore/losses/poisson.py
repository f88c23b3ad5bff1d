"""Half the Poisson deviance, for counts and rates."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Loss


class Poisson(Loss):
    """Poisson loss for counts and rates: half the Poisson deviance, from log-rates.

    E = Σⱼ exp(zⱼ) − Yⱼ zⱼ + Yⱼ log Yⱼ − Yⱼ, from the logarithms z of the rates; ∂E/∂z = exp(z) − Y. This is the negative log-likelihood of
    counts Y at rates exp(z), shifted to be 0 where the rate equals the count (0 log 0 is 0).

    The last layer has no activation: ``predict`` returns log-rates, ``predict_proba`` rates, and metrics score rates. Targets are at least
    0, and need not be whole. As scikit-learn's ``MLPRegressor(loss="poisson")``, summed over several outputs.

    References
    ----------
    Nelder & Wedderburn, "Generalized linear models", 1972.
    """

    target_range = "[0, inf)"
    link = "exp"
    predicts_rates = True
    metrics = ("mae",)
    judge = {"name": "d2_tweedie", "power": 1.0}
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_poisson")

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        log_target = np.log(np.where(target > 0, target, 1))
        return (_rate(output) - target + target * (log_target - output)).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return _rate(output) - target


def _rate(z: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # gives infinity, which the host reports
        return np.exp(z)

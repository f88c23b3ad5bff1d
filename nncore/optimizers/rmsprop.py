"""RMSProp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class RMSProp(Optimizer):
    """r ← ρ·r + (1 − ρ)·g², w ← w − lr·g / (ε + √r).

    AdaGrad with a running average in place of the sum, so that steps do not die out.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate.
    rho : float, default 0.99
        ρ, how slowly past gradients are forgotten.
    epsilon : float, default 1e-8
        ε, against division by zero; outside the root. The least value keeps ε above zero in float32 too.

    References
    ----------
    Tieleman & Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "rho": "[0, 1)", "epsilon": "[1e-30, inf)"}
    n_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_rmsprop", never_fails=True)

    def __init__(self, lr: float = 1e-3, *, rho: float = 0.99, epsilon: float = 1e-8) -> None:
        self.lr = lr
        self.rho = rho
        self.epsilon = epsilon

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (r,) = state
        r *= self.rho
        r += (1 - self.rho) * g * g
        w -= self.lr * g / (self.epsilon + np.sqrt(r))

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """r is a mean of squares, w grows by η·g/ε at most in a step."""
        if state[0][0] < 0:
            return math.inf
        r = state[0][1] + g * g
        return w + n_steps * self.lr * g * max(1.0, 1 / self.epsilon) + r

"""AdaGrad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class AdaGrad(Optimizer):
    """AdaGrad: gradient descent with a learning rate per parameter that falls with the sum of its squared gradients.

    r ← r + g², w ← w − lr·g / (ε + √r).

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate.
    epsilon : float, default 1e-10
        ε, which prevents division by zero. ``epsilon=1e-3`` is common in textbook code. The smallest value allowed is above 0 in float32.

    References
    ----------
    Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "epsilon": "[1e-30, inf)"}
    n_slots = 1
    skips_zero = True
    kernel = Kernel("nncore._core.native:optimizer_adagrad", never_fails=True)

    def __init__(self, lr: float = 0.01, *, epsilon: float = 1e-10) -> None:
        self.lr = lr
        self.epsilon = epsilon

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (r,) = state
        r += g * g
        w -= self.lr * g / (self.epsilon + np.sqrt(r))

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """r grows by g² at most in a step, w by η·g/ε."""
        if state[0][0] < 0:
            return math.inf
        r = state[0][1] + n_steps * g * g
        return w + n_steps * self.lr * g * max(1.0, 1 / self.epsilon) + r

"""RMSProp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class RMSProp(Optimizer):
    """RMSProp: AdaGrad with a running average instead of the sum, so that steps do not vanish.

    r ← ρ·r + (1 − ρ)·g², w ← w − lr·g / (ε + √r). With `centered`, a ← ρ·a + (1 − ρ)·g, and the root is of r − a², the variance of recent
    gradients.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate.
    rho : float, default 0.99
        ρ, decay rate of the average of squared gradients.
    epsilon : float, default 1e-8
        ε, outside the root, which prevents division by zero. The smallest value allowed is above 0 in float32.
    centered : bool, default False
        Divide by the standard deviation of recent gradients. Steps become long where gradients hardly change. The state then has a second
        vector.

    Raises
    ------
    ParameterError
        If a number is outside its range, or `centered` is not a bool.

    References
    ----------
    Tieleman & Hinton, "Neural networks for machine learning", lecture 6.5, 2012; `centered`: Graves, "Generating sequences with recurrent
    neural networks", 2013.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "rho": "[0, 1)", "epsilon": "[1e-30, inf)"}
    flags = ("centered",)
    kernel = Kernel("nncore._core.native:optimizer_rmsprop", never_fails=True)

    def __init__(self, lr: float = 1e-3, *, rho: float = 0.99, epsilon: float = 1e-8, centered: bool = False) -> None:
        self.lr = lr
        self.rho = rho
        self.epsilon = epsilon
        self.centered = centered

    @property
    def n_slots(self) -> int:  # type: ignore[override]
        """r, and a with `centered`."""
        return 2 if self.centered else 1

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        r = square = state[0]
        r *= self.rho
        r += (1 - self.rho) * g * g
        if self.centered:
            mean = state[1]
            mean *= self.rho
            mean += (1 - self.rho) * g
            square = np.maximum(r - mean * mean, 0)  # below 0 only by rounding
        w -= self.lr * g / (self.epsilon + np.sqrt(square))

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """r is a mean of squares, a one of gradients; w grows by η·g/ε at most in a step."""
        (lowest, highest), *of_mean = state
        if lowest < 0:
            return math.inf
        a = max((max(-low, high) for low, high in of_mean), default=0.0) + g
        r = highest + g * g + a * a
        return w + n_steps * self.lr * g * max(1.0, 1 / self.epsilon) + r + a

"""Adamax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Adamax(Optimizer):
    """Adamax: Adam with the largest recent gradient instead of the mean of squares.

    m ← β₁·m + (1 − β₁)·g, m̂ = m / (1 − β₁ᵗ); u ← max(β₂·u, |g| + ε); w ← w − lr·m̂ / u.

    Parameters
    ----------
    lr : float, default 0.002
        Learning rate; the largest step of a parameter, up to 1 / (1 − β₁).
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the average of gradients and of the largest gradient.
    epsilon : float, default 1e-8
        ε, which prevents division by zero. The smallest value allowed is above 0 in float32.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    References
    ----------
    Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 2.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)"}
    n_slots = 2
    kernel = Kernel("nncore._core.native:optimizer_adamax", never_fails=True)

    def __init__(self, lr: float = 2e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        m, u = state
        m *= self.beta1
        m += (1 - self.beta1) * g
        np.maximum(self.beta2 * u, np.abs(g) + self.epsilon, out=u)
        w -= self.lr / (1 - self.beta1**t) * m / u

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """m is a mean, u at least ε: w grows by η·m/((1 − β₁)·ε) at most in a step."""
        (low, high), (_, highest) = state
        m = max(-low, high, g)
        return w + n_steps * self.lr * m / (1 - self.beta1) * max(1.0, 1 / self.epsilon) + m + max(highest, g + self.epsilon)

"""Adadelta."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Adadelta(Optimizer):
    """Adadelta: AdaGrad with decaying averages, in which the step size adapts to recent steps.

    Steps are as long as recent steps were, relative to recent gradients. So the learning rate has no unit.

    r ← ρ·r + (1 − ρ)·g², δ = √(d + ε) / √(r + ε)·g; w ← w − lr·δ; d ← ρ·d + (1 − ρ)·δ².

    Parameters
    ----------
    lr : float, default 1.0
        Learning rate. The paper has none; Keras' default of 0.001 is much too small for this method.
    rho : float, default 0.9
        ρ, decay rate of the averages of squared gradients and steps.
    epsilon : float, default 1e-6
        ε. The first steps are about √ε long, so a larger ε speeds up the beginning.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "rho": "[0, 1)", "epsilon": "[1e-30, inf)"}
    n_slots = 2
    learning_rates = 1.0, 3.0
    kernel = Kernel("nncore._core.native:optimizer_adadelta", never_fails=True)

    def __init__(self, lr: float = 1.0, *, rho: float = 0.9, epsilon: float = 1e-6) -> None:
        self.lr = lr
        self.rho = rho
        self.epsilon = epsilon

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        r, d = state
        r *= self.rho
        r += (1 - self.rho) * g * g
        step = np.sqrt(d + self.epsilon) / np.sqrt(r + self.epsilon) * g
        w -= self.lr * step
        d *= self.rho
        d += (1 - self.rho) * step * step

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """δ² is at most (d + ε)/(1 − ρ), and (d + ε)/(r + ε)^ρ grows by (1 − ρ)·ε^(1 − ρ) at most in a step.

        The second follows from 1 + ρ·(1 − x) ≤ x^(−ρ), where x is what r + ε was over what it becomes.
        """
        (lowest, highest), (least, most) = state
        if min(lowest, least) < 0:
            return math.inf
        r = highest + g * g + self.epsilon
        d = (most + self.epsilon * (1 + n_steps)) * (r / self.epsilon) ** self.rho
        longest = d / (1 - self.rho)
        return w + n_steps * self.lr * max(1.0, longest) + longest + r / self.epsilon * max(1.0, self.epsilon)

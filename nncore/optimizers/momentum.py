"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Momentum(Optimizer):
    """Stochastic gradient descent with momentum.

    v ← ρ·v + g, w ← w − lr·v with ρ = `momentum`. The velocity v adds up gradients. In a direction in which they agree, steps are up to
    1/(1 − ρ) times as long as those of SGD.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate.
    momentum : float, default 0.9
        ρ, fraction of the velocity that each step keeps.

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "momentum": "[0, 1)"}
    n_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_momentum", never_fails=True)

    def __init__(self, lr: float = 0.01, *, momentum: float = 0.9) -> None:
        self.lr = lr
        self.momentum = momentum

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (v,) = state
        v *= self.momentum
        v += g
        w -= self.lr * v

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """v grows by g at most in a step, w by η·v."""
        v = max(-state[0][0], state[0][1]) + n_steps * g
        return w + n_steps * self.lr * v + v

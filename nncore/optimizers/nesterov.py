"""Nesterov's accelerated gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Nesterov(Optimizer):
    """Stochastic gradient descent with Nesterov's accelerated momentum.

    v ← ρ·v + g, w ← w − lr·(g + ρ·v) with ρ = `momentum`. Nesterov's method takes the gradient at the point to which the velocity is about
    to carry w. Here w itself is that point, as in Sutskever et al. and PyTorch, so that one gradient at w is enough.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate.
    momentum : float, default 0.9
        ρ, fraction of the velocity that each step keeps.

    References
    ----------
    Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k²)", 1983.
    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "momentum": "[0, 1)"}
    n_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_nesterov", never_fails=True)

    def __init__(self, lr: float = 0.01, *, momentum: float = 0.9) -> None:
        self.lr = lr
        self.momentum = momentum

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (v,) = state
        v *= self.momentum
        v += g
        w -= self.lr * (g + self.momentum * v)

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """v grows by g at most in a step, w by η·(g + v)."""
        v = max(-state[0][0], state[0][1]) + n_steps * g
        return w + n_steps * self.lr * (g + v) + v

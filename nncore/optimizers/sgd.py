"""Gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − lr·g.

    With one batch of all samples this is plain gradient descent.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate.

    References
    ----------
    Robbins & Monro, "A stochastic approximation method", 1951.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)"}
    skips_zero = True
    kernel = Kernel("nncore._core.native:optimizer_sgd", never_fails=True)

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        w -= self.lr * g

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """w + n·η·g."""
        return w + n_steps * self.lr * g

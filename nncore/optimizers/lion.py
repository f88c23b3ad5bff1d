"""Lion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Lion(Optimizer):
    """Lion: sign descent with momentum, in which all parameters move by the same amount.

    c = β₁·m + (1 − β₁)·g; w ← (1 − lr·λ)·w − lr·sign(c); m ← β₂·m + (1 − β₂)·g; λ = `weight_decay`.

    Parameters
    ----------
    lr : float, default 1e-4
        Learning rate: the length of a step. The paper recommends a third to a tenth of Adam's.
    beta1, beta2 : float, default 0.9, 0.99
        Weight of the momentum in the direction, and decay rate of the momentum.
    weight_decay : float, default 0.0
        λ, decoupled as in AdamW. The paper recommends three to ten times AdamW's, since `lr` is smaller.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Notes
    -----
    The state is one vector, half of Adam's.

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "weight_decay": "[0, inf)"}
    n_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_lion", never_fails=True)

    def __init__(self, lr: float = 1e-4, *, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay = weight_decay

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (m,) = state
        w *= 1 - self.lr * self.weight_decay
        w -= self.lr * np.sign(self.beta1 * m + (1 - self.beta1) * g)
        m *= self.beta2
        m += (1 - self.beta2) * g

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """m is a mean of gradients; w grows by η at most in a step, while it does not grow by its own decay."""
        if self.lr * self.weight_decay > 2:
            return math.inf
        low, high = state[0]
        return w + n_steps * self.lr + max(-low, high, g)

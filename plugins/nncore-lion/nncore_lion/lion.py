"""Lion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Optimizer, TensorSpan


class Lion(Optimizer):
    """A step of one length for every parameter, in the direction of an interpolated momentum.

    c = β₁·m + (1 − β₁)·g; w ← w − lr·(sign(c) + λ·w); m ← β₂·m + (1 − β₂)·g.

    Parameters
    ----------
    lr : float, default 1e-4
        Learning rate: the length of a step. The paper finds a third to a tenth of what suits Adam.
    beta1, beta2 : float, default 0.9, 0.99
        How much of the momentum the direction keeps, and how slowly the momentum forgets past gradients.
    weight_decay : float, default 0.0
        λ, decoupled as in AdamW; the paper finds three to ten times what suits AdamW, as `lr` is smaller.

    Raises
    ------
    ParameterError
        For a number outside its range.

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, program 1 and algorithm 2.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "weight_decay": "[0, inf)"}
    n_slots = 1

    def __init__(self, lr: float = 1e-4, *, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay = weight_decay

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        m = state[0]
        direction = np.sign(self.beta1 * m + (1 - self.beta1) * g)
        w -= self.lr * (direction + self.weight_decay * w)
        m *= self.beta2
        m += (1 - self.beta2) * g

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """m is a mean of gradients; w grows by η at most in a step, while it does not grow by its own decay."""
        if self.lr * self.weight_decay > 2:
            return math.inf
        (low, high), w = state[0], w + n_steps * self.lr
        return w + self.weight_decay * w + max(-low, high, g)

"""Schedule-free AdamW."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class ScheduleFree(Optimizer):
    """Schedule-free AdamW: averages its iterates, and needs neither a schedule nor the length of training.

    With gradients g at the trained parameters y::

        v ← β₂·v + (1 − β₂)·g²,  u = g / (√(v / (1 − β₂ᵗ)) + ε) + λ·y
        z ← z − γ·u,  x ← (1 − c)·x + c·z,  y ← (1 − β₁)·z + β₁·x

    γ is `lr`, times t / `warmup_steps` during the warm-up. c = γ² / (sum of all γ² so far). Without a warm-up c is 1/t, and x is the mean
    of all z. The network trains y, ``network.trajectory``. Predictions, validation and files use x, ``network.parameters``.

    Parameters
    ----------
    lr : float, default 0.0025
        γ, the learning rate. Usually larger than with a schedule, 1 to 10 times AdamW's.
    beta1 : float, default 0.9
        β₁, weight of x in y, which replaces momentum. Use 0.95 or 0.98 for long runs.
    beta2 : float, default 0.999
        β₂, decay rate of the average of squared gradients.
    epsilon : float, default 1e-8
        ε, outside the root. The smallest value allowed is above 0 in float32.
    weight_decay : float, default 0.0
        λ, applied at y.
    warmup_steps : int, default 0
        Number of steps in which the learning rate rises linearly to `lr`. The paper recommends a warm-up for deep networks.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Notes
    -----
    The state is z − y and v, both 0 at first. x = y − (z − y)·(1 − β₁)/β₁.

    The weights c depend only on the warm-up. A schedule that lowers the learning rate does not change them, as in the authors' code.

    Running statistics of batch normalisation are those of y.

    References
    ----------
    Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, "The road less scheduled", NeurIPS 2024.
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)",
        "beta1": "(0, 1)",
        "beta2": "[0, 1)",
        "epsilon": "[1e-30, inf)",
        "weight_decay": "[0, inf)",
        "warmup_steps": "[0, 1e9]",
    }
    whole = ("warmup_steps",)
    n_slots = 2
    kernel = Kernel("nncore._core.native:optimizer_schedule_free", never_fails=True)

    def __init__(
        self,
        lr: float = 0.0025,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
    ) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        ahead, v = state  # z - y, v
        rate = self.lr * min(1.0, t / self.warmup_steps) if self.warmup_steps else self.lr
        newest = weight_of_newest(t, self.warmup_steps)
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        u = g / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon) + self.weight_decay * w
        w += newest * ahead - rate * (1 - self.beta1 * (1 - newest)) * u
        ahead -= rate * self.beta1 * u
        ahead *= 1 - newest

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """v is a mean of squares. In a step, z − y grows by at most γ·g/ε, and y by that and z − y. With λ, y may grow by itself."""
        (low, high), (lowest, highest) = state
        if lowest < 0 or self.weight_decay > 0:
            return math.inf
        step = self.lr * g * max(1.0, 1 / self.epsilon)
        ahead = max(-low, high) + n_steps * step
        return w + n_steps * (ahead + step) + ahead + (highest + g * g) / (1 - self.beta2)

    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        np.multiply(state[0], -(1 - self.beta1) / self.beta1, out=out)
        out += w


def weight_of_newest(t: int, warmup_steps: int) -> float:
    """c: γ² of step `t` over the sum of γ² of steps 1 to `t`."""
    if t <= warmup_steps:
        return 6 * t / ((t + 1) * (2 * t + 1))
    of_warmup = (warmup_steps + 1) * (2 * warmup_steps + 1) / (6 * warmup_steps) if warmup_steps else 0.0
    return 1 / (of_warmup + t - warmup_steps)

"""Schedule-free SGD."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.optimizers.schedule_free import weight_of_newest
from nncore.plugin import Kernel, Optimizer, TensorSpan


class ScheduleFreeSGD(Optimizer):
    """Schedule-free SGD: averages its iterates, instead of momentum and a learning-rate schedule.

    With gradients g at the trained parameters y:

    z ← z − γ·(g + λ·y), x ← (1 − c)·x + c·z, y ← (1 − β)·z + β·x.

    γ is `lr`, times t / `warmup_steps` during the warm-up. c = γ² / (sum of all γ² so far). Without a warm-up c is 1/t, and x is the mean
    of all z. The network trains y, ``network.trajectory``. Predictions, validation and files use x, ``network.parameters``.

    Parameters
    ----------
    lr : float, default 1.0
        γ, the learning rate. The paper uses much larger rates than for momentum, 1 to 10 on images. Small networks often need 0.1 to 1.
    beta : float, default 0.9
        β, weight of x in y, which replaces momentum.
    weight_decay : float, default 0.0
        λ, applied at y.
    warmup_steps : int, default 0
        Number of steps in which the learning rate rises linearly to `lr`.

    Raises
    ------
    ParameterError
        If a number is outside its range, or `warmup_steps` is not whole.

    Notes
    -----
    The state is z − y, 0 at first. x = y − (z − y)·(1 − β)/β. The weights c depend only on the warm-up, as for `ScheduleFree`.

    References
    ----------
    Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, "The road less scheduled", NeurIPS 2024.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "beta": "(0, 1)", "weight_decay": "[0, inf)", "warmup_steps": "[0, 1e9]"}
    whole = ("warmup_steps",)
    n_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_schedule_free_sgd", never_fails=True)

    def __init__(self, lr: float = 1.0, *, beta: float = 0.9, weight_decay: float = 0.0, warmup_steps: int = 0) -> None:
        self.lr = lr
        self.beta = beta
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (ahead,) = state  # z - y
        rate = self.lr * min(1.0, t / self.warmup_steps) if self.warmup_steps else self.lr
        newest = weight_of_newest(t, self.warmup_steps)
        u = g + self.weight_decay * w
        w += newest * ahead - rate * (1 - self.beta * (1 - newest)) * u
        ahead -= rate * self.beta * u
        ahead *= 1 - newest

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """z − y grows by γ·g at most in a step, and y by that and all of z − y; with λ y may grow by itself."""
        if self.weight_decay > 0:
            return math.inf
        low, high = state[0]
        step = self.lr * g
        ahead = max(-low, high) + n_steps * step
        return w + n_steps * (ahead + step) + ahead

    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        np.multiply(state[0], -(1 - self.beta) / self.beta, out=out)
        out += w

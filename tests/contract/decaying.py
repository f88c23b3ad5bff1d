"""An optimizer as an author would write it, with hyperparameters of all kinds, and a kernel module that does not exist."""

from __future__ import annotations

from typing import ClassVar

from nncore.plugin import Kernel, Optimizer


class Decaying(Optimizer):
    ranges: ClassVar = {"lr": "[0, inf)", "decay": "(0, 1]"}
    kernel = Kernel("nncore_decaying.kernels:decaying")

    def __init__(self, lr: float = 0.1, *, decay: float = 0.5, nesterov: bool = False, schedule: str | None = None) -> None:
        self.lr = lr
        self.decay = decay
        self.nesterov = nesterov
        self.schedule = schedule

    def step(self, w, g, state, t):
        w -= self.lr * g

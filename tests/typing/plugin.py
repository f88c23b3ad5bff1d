"""Types of a plugin's source for type checkers; read by mypy in test_typing.py, never run."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Component, Loss, Optimizer, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api: object) -> list[Component]:
    return [Component("signum", "package.module:Signum", "Steps by the sign of the momentum")]


class Signum(Optimizer):
    n_slots = 1

    def __init__(self, lr: float = 1e-4, *, beta: float = 0.9) -> None:
        self.lr = lr
        self.beta = beta

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int) -> None:
        state[0] = self.beta * state[0] + (1 - self.beta) * g
        w -= self.lr * np.sign(state[0])


class Cube(Activation):
    def forward(self, z: np.ndarray) -> np.ndarray:
        a: np.ndarray = z**3
        return a

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        d_z: np.ndarray = 3 * z**2 * d_a
        return d_z


class NoStep(Optimizer):
    def step(self, w: np.ndarray) -> None:  # type: ignore[override]
        """Without gradients."""


class NoArray(Loss):
    def forward(self, output: np.ndarray, target: np.ndarray) -> str:  # type: ignore[override]
        return "small"


def refused() -> None:
    Component("signum")  # type: ignore[call-arg]
    Signum(beta="0.9")  # type: ignore[arg-type]

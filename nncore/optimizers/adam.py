"""Adam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class Adam(Optimizer):
    """Adam: momentum with a step size per parameter, the usual first choice.

    Moving averages of the gradients and of their squares, both corrected for their start at zero::

        m ← β₁·m + (1 − β₁)·g,   m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²,  v̂ = v / (1 − β₂ᵗ)
        w ← w − lr·m̂ / (√v̂ + ε)

    With `epsilon_inside` the step is w ← w − lr·m̂ / √(v̂ + ε).

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate; about the largest step of a parameter.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the averages of gradients and of their squares.
    epsilon : float, default 1e-8
        ε, which prevents division by zero. The smallest value allowed is above 0 in float32.
    epsilon_inside : bool, default False
        Add ε inside the root, as some textbook code does (with ``epsilon=1e-5``). The paper adds it outside.
    amsgrad : bool, default False
        Use AMSGrad: divide by the root of the largest v so far, so that steps do not become longer again. The state then has a third
        vector.

    Raises
    ------
    ParameterError
        If a number is outside its range, or `epsilon_inside` or `amsgrad` is not a bool.

    References
    ----------
    Kingma & Ba, "Adam: a method for stochastic optimization", 2015; Reddi, Kale & Kumar, "On the convergence of Adam and beyond", 2018.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)"}
    flags: ClassVar[tuple[str, ...]] = ("epsilon_inside", "amsgrad")
    kernel = Kernel("nncore._core.native:optimizer_adam", never_fails=True)

    def __init__(
        self,
        lr: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        epsilon_inside: bool = False,
        amsgrad: bool = False,
    ) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.epsilon_inside = epsilon_inside
        self.amsgrad = amsgrad

    @property
    def n_slots(self) -> int:  # type: ignore[override]
        """m and v, and the largest v with `amsgrad`."""
        return 3 if self.amsgrad else 2

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        m, v = state[:2]
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        if self.amsgrad:
            v = np.maximum(state[2], v, out=state[2])
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        w -= self.lr * m_hat / (np.sqrt(v_hat + self.epsilon) if self.epsilon_inside else np.sqrt(v_hat) + self.epsilon)

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """m and v are means, so that w grows by η·m/((1 − β₁)·ε) at most in a step; a larger v makes it shorter."""
        (low, high), (lowest, highest), *of_largest = state
        if lowest < 0:
            return math.inf
        m, v = max(-low, high, g), (highest + g * g) / (1 - self.beta2)
        epsilon = math.sqrt(self.epsilon) if self.epsilon_inside else self.epsilon
        return w + n_steps * self.lr * m / (1 - self.beta1) * max(1.0, 1 / epsilon) + m + v + sum(most for _, most in of_largest)

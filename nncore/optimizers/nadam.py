"""NAdam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan

#: A product of momenta below this is lost when added to 1.
SMALLEST_PRODUCT = 1e-20


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov's momentum, which grows from half of β₁ to β₁.

    At step t::

        μₜ = β₁·(1 − ½·0.96^(t·ψ)),  Πₜ = μ₁·μ₂·…·μₜ
        m ← β₁·m + (1 − β₁)·g,   m̂ = (1 − μₜ)·g / (1 − Πₜ) + μₜ₊₁·m / (1 − Πₜ₊₁)
        v ← β₂·v + (1 − β₂)·g²,  v̂ = v / (1 − β₂ᵗ)
        w ← w − lr·m̂ / (√v̂ + ε)

    Parameters
    ----------
    lr : float, default 0.002
        Learning rate; about the largest step of a parameter.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the averages of gradients and of their squares.
    epsilon : float, default 1e-8
        ε, which prevents division by zero. The smallest value allowed is above 0 in float32.
    momentum_decay : float, default 0.004
        ψ, growth rate of the momentum. With 0 it stays β₁ / 2.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Notes
    -----
    As ``torch.optim.NAdam``. ``optax.nadam`` and the paper's short form have no ψ.

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)", "momentum_decay": "[0, inf)",
    }  # fmt: skip
    n_slots = 2
    kernel = Kernel("nncore._core.native:optimizer_nadam", never_fails=True)

    def __init__(
        self, lr: float = 2e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, momentum_decay: float = 4e-3
    ) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        m, v = state
        momentum, following, product = momenta(self.beta1, self.momentum_decay, t)
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        m_hat = following / (1 - product * following) * m + (1 - momentum) / (1 - product) * g
        w -= self.lr * m_hat / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """m and v are means; no product exceeds β₁, so that w grows by η·(g + m)/((1 − β₁)·ε) at most in a step."""
        (low, high), (lowest, highest) = state
        if lowest < 0:
            return math.inf
        m, v = max(-low, high, g), (highest + g * g) / (1 - self.beta2)
        return w + n_steps * self.lr * (g + m) / (1 - self.beta1) * max(1.0, 1 / self.epsilon) + m + v


def momenta(beta1: float, decay: float, t: int) -> tuple[float, float, float]:
    """μ of this step and of the next, and the product of all until this one."""
    base, power, product = 0.96**decay, 1.0, 1.0
    for _ in range(t):
        if product <= SMALLEST_PRODUCT:
            break
        power *= base
        product *= beta1 * (1 - 0.5 * power)
    return beta1 * (1 - 0.5 * base**t), beta1 * (1 - 0.5 * base ** (t + 1)), product

"""RAdam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.optimizers.adam import Adam
from nncore.plugin import Kernel, TensorSpan


class RAdam(Adam):
    """RAdam: Adam with rectified early steps, which replaces a warm-up.

    It takes steps of plain momentum until enough gradients are averaged, then at first shorter steps of Adam.

    At step t::

        m ← β₁·m + (1 − β₁)·g,   m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²,  v̂ = v / (1 − β₂ᵗ)
        ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2·t·β₂ᵗ / (1 − β₂ᵗ)
        r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ))
        w ← w − lr·r·m̂ / (√v̂ + ε)  if ρ > 5
        w ← w − lr·m̂               else

    With the default β₂ the first five steps are of the second kind.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the averages of gradients and of their squares.
    epsilon : float, default 1e-8
        ε, which prevents division by zero. The smallest value allowed is above 0 in float32.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Notes
    -----
    As ``optax.radam``. ``torch.optim.RAdam`` adds ε to √v instead of √v̂.

    References
    ----------
    Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.
    """

    flags = ()
    kernel = Kernel("nncore._core.native:optimizer_radam", never_fails=True)

    def __init__(self, lr: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        super().__init__(lr, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        m, v = state
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**t)
        longest, rest = 2 / (1 - self.beta2) - 1, 1 - self.beta2**t
        length = longest - 2 * t * (1 - rest) / rest
        if length > 5:
            r = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
            w -= self.lr * r * m_hat / (np.sqrt(v / rest) + self.epsilon)
        else:
            w -= self.lr * m_hat

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """As for Adam: r is at most 1, and the other steps are η·m̂."""
        return super().bound(w, g, state, n_steps)

"""AdamW."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.optimizers.adam import Adam
from nncore.plugin import Kernel, TensorSpan


class AdamW(Adam):
    """AdamW: Adam with decoupled weight decay.

    w ← (1 − lr·λ)·w, then a step of `Adam`; λ = `weight_decay`.

    The decay is not part of the gradient, so Adam does not rescale it. As in PyTorch, it acts on all parameters, biases and scales
    included; ``groups={"*.bias": {"weight_decay": 0.0}}`` leaves biases out. The ``weight_decay`` of ``fit`` differs: it is an L2 penalty
    on weights that is part of the gradient.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the averages of gradients and of their squares.
    epsilon : float, default 1e-8
        ε, outside the root. The smallest value allowed is above 0 in float32.
    weight_decay : float, default 0.01
        λ, the strength of the decay.
    amsgrad : bool, default False
        As for `Adam`.

    Raises
    ------
    ParameterError
        If a number is outside its range, or `amsgrad` is not a bool.

    References
    ----------
    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
    """

    ranges: ClassVar[dict[str, str]] = Adam.ranges | {"weight_decay": "[0, inf)"}
    flags = ("amsgrad",)
    kernel = Kernel("nncore._core.native:optimizer_adamw", never_fails=True)

    def __init__(
        self,
        lr: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, beta1=beta1, beta2=beta2, epsilon=epsilon, amsgrad=amsgrad)
        self.weight_decay = weight_decay

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        w *= 1 - self.lr * self.weight_decay
        super().step(w, g, state, t)

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """As for Adam, while w does not grow by its own decay."""
        return super().bound(w, g, state, n_steps) if self.lr * self.weight_decay <= 2 else math.inf

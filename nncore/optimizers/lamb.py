"""LAMB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class LAMB(Optimizer):
    """LAMB: Adam for large batches, with steps relative to the norm of each tensor.

    For each tensor w, with λ = `weight_decay`::

        m ← β₁·m + (1 − β₁)·g,   m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²,  v̂ = v / (1 − β₂ᵗ)
        u = m̂ / (√v̂ + ε) + λ·w
        w ← w − lr·(‖w‖ / ‖u‖)·u

    Where ‖w‖ or ‖u‖ is 0, their ratio is set to 1.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate: the length of a step, relative to the norm of the tensor.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the averages of gradients and of their squares.
    epsilon : float, default 1e-6
        ε, which prevents division by zero. The smallest value allowed is above 0 in float32.
    weight_decay : float, default 0.0
        λ. It changes the direction of a step; the length stays lr·‖w‖.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Notes
    -----
    As ``optax.lamb``: every tensor has its ratio. The authors' code for BERT leaves biases and normalisation out of decay and ratio;
    ``groups={"*.bias": {"optimizer": "adamw"}}`` does so here.

    References
    ----------
    You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020.
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)", "weight_decay": "[0, inf)",
    }  # fmt: skip
    needs_tensors = True
    n_slots = 2
    bowl = rosenbrock = False  # the checks make each coordinate a tensor, and steps relative to a number lead to 0 at most
    kernel = Kernel("nncore._core.native:optimizer_lamb", never_fails=True)

    def __init__(
        self, lr: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-6, weight_decay: float = 0.0
    ) -> None:
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """The update of the largest tensor."""
        return max((tensor.size for tensor in tensors), default=0)

    def step(
        self,
        w: Sequence[np.ndarray],
        g: Sequence[np.ndarray],
        state: Sequence[dict[str, np.ndarray]],
        t: int,
        *tensors: Sequence[TensorSpan],
    ) -> None:
        for weight, gradient, kept in zip(w, g, state, strict=True):
            m, v = kept["slot_0"], kept["slot_1"]
            m *= self.beta1
            m += (1 - self.beta1) * gradient
            v *= self.beta2
            v += (1 - self.beta2) * gradient * gradient
            update = m / (1 - self.beta1**t) / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon) + self.weight_decay * weight
            of_weight, of_update = _norm(weight), _norm(update)
            weight -= self.lr * (of_weight / of_update if of_weight > 0 and of_update > 0 else 1.0) * update


def _norm(values: np.ndarray) -> float:
    """In float64: squares of float32 overflow where the norm does not."""
    return float(np.linalg.norm(values.astype(np.float64)))

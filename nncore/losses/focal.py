"""Focal loss of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_number, numbers, shown
from nncore.errors import ParameterError
from nncore.losses.softmax import exponentials
from nncore.plugin import Kernel, Loss


class Focal(Loss):
    """Focal loss from logits for imbalanced classes: cross-entropy that gives easy samples little weight.

    E = −Σⱼ αⱼ Yⱼ (1 − pⱼ)^γ log pⱼ with p = softmax(z), from the logits z.

    A sample that is classified with confidence has a small factor (1 − p)^γ, so that many easy samples do not outweigh a few hard ones.
    With γ = 0 it is ``softmax_cross_entropy``. The last layer has no activation. A target is a class index or a row Y over the classes.
    With hⱼ = αⱼ Yⱼ (1 − pⱼ)^γ (γ pⱼ log pⱼ/(1 − pⱼ) − 1), ∂E/∂zₖ = hₖ (1 − pₖ) − pₖ Σ_{j≠k} hⱼ. As Keras'
    ``CategoricalFocalCrossentropy(from_logits=True)``. For binary outputs see ``binary_focal``.

    Parameters
    ----------
    gamma : float >= 0, default 2.0
        γ: the larger, the less easy samples count.
    alpha : sequence of float or None, default None
        α: a weight of at least 0 for each class, or one number for all. None is 1.

    Raises
    ------
    ParameterError
        If a number is outside its range, or, when training begins, `alpha` does not have one weight for each output.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", 2017.
    """

    targets = "both"
    ranges: ClassVar[dict[str, str]] = {"gamma": "[0, inf)"}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"gamma": 1.0}, {"gamma": 0.0, "alpha": 0.25})
    link = "softmax"
    metrics = ("accuracy",)
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_focal")

    def __init__(self, gamma: float = 2.0, alpha: float | Sequence[float] | None = None) -> None:
        self.gamma = gamma
        self.alpha: float | tuple[float, ...] | None = None
        if alpha is not None:
            found = numbers([alpha] if is_number(alpha) else alpha)
            if not found or not all(0 <= weight < np.inf for weight in found):
                raise ParameterError(f"Focal: alpha must be a number of at least 0, one for each class, or None, got {shown(alpha)}")
            self.alpha = found[0] if is_number(alpha) else tuple(found)

    def hyper(self) -> list[float]:
        """γ, how many weights there are, and these."""
        weights = () if self.alpha is None else self.alpha if isinstance(self.alpha, tuple) else (self.alpha,)
        return [float(self.gamma), float(len(weights)), *weights]

    def n_targets(self, n_outputs: int) -> int:
        if isinstance(self.alpha, tuple) and len(self.alpha) != n_outputs:
            raise ParameterError(f"Focal: alpha has {len(self.alpha)} numbers for a network with {n_outputs} outputs: give one for each")
        return n_outputs

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        _, rest, log_p = probabilities(output)
        return -(self._weighted(target, output) * rest**self.gamma * log_p).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        p, rest, log_p = probabilities(output)
        ratio = np.divide(log_p, rest, out=np.full_like(rest, -1), where=rest != 0)  # for p → 1 it is −1
        h = self._weighted(target, output) * rest**self.gamma * (output.dtype.type(self.gamma) * p * ratio - 1)
        return h * rest - p * (h.sum(axis=1, keepdims=True) - h)

    def _weighted(self, target: np.ndarray, output: np.ndarray) -> np.ndarray:
        """α Y, shape (n_rows, n_classes)."""
        rows = target if target.ndim == 2 else np.eye(output.shape[1], dtype=output.dtype)[target]
        return rows if self.alpha is None else rows * np.asarray(self.alpha, output.dtype)


def probabilities(output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, 1 − p and log p, of the shape of `output`, each with its digits however close p is to 0 or 1."""
    z, e, others = exponentials(output)
    total = 1 + others
    rest = (total - e) / total
    rest[np.arange(len(e)), output.argmax(axis=1)] = (others / total)[:, 0]
    return e / total, rest, z - np.log1p(others)

"""Focal loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel
from nncore_focal.class_weights import ClassWeightedLoss, as_list, as_rows


class Focal(ClassWeightedLoss):
    """E = −Σⱼ αⱼ Yⱼ (1 − pⱼ)^γ log pⱼ with p = softmax(z), from the logits z.

    A sample classified with confidence counts little: (1 − p)^γ is small. γ = 0 is (weighted) softmax cross-entropy. A target is a
    class index or a row Y over the classes. The network's last layer has no activation.

    The gradient: with f(p) = −(1 − p)^γ log p and ∂pⱼ/∂zₖ = pⱼ (δⱼₖ − pₖ),

    hⱼ = αⱼ Yⱼ pⱼ f′(pⱼ) = αⱼ Yⱼ (1 − pⱼ)^γ (γ pⱼ log pⱼ / (1 − pⱼ) − 1);
    ∂E/∂zₖ = Σⱼ hⱼ (δⱼₖ − pₖ) = hₖ (1 − pₖ) − pₖ Σ_{j≠k} hⱼ.

    It is computed without cancellation or overflow: 1 − p of the largest output is the sum of the other probabilities, and log p is
    log1p(−(1 − p)) where p > ½, else zⱼ − max z − log Σₖ exp(zₖ − max z). For p → 1, log p / (1 − p) → −1.

    Parameters
    ----------
    gamma : float, default 2.0
        γ.
    class_weights : sequence of float or None, default None
        α, at least 0, one for each class. None is 1 for each.

    Raises
    ------
    ParameterError
        For a number outside its range; when training begins, if there is not one weight for each output.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", 2017 (there for two classes, with the sigmoid).
    """

    ranges: ClassVar[dict[str, str]] = {"gamma": "[0, inf)"}
    kernel = Kernel("nncore_focal.kernel:focal")

    def __init__(self, gamma: float = 2.0, *, class_weights: Sequence[float] | None = None) -> None:
        self.gamma = gamma
        self.class_weights = as_list(class_weights)

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        _, rest, log_p = probabilities(output)
        return -(self.weighted(as_rows(target, output)) * rest**self.gamma * log_p).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        p, rest, log_p = probabilities(output)
        ratio = np.divide(log_p, rest, out=np.full_like(rest, -1), where=rest != 0)
        h = self.weighted(as_rows(target, output)) * rest**self.gamma * (self.gamma * p * ratio - 1)
        return h * rest - p * (h.sum(axis=1, keepdims=True) - h)


def probabilities(output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, 1 − p and log p, of the shape of `output`."""
    rows, largest = np.arange(len(output)), output.argmax(axis=1)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
        z = output - output[rows, largest][:, None]
        e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    others = e.copy()
    others[rows, largest] = 0
    rest = (total - e) / total
    rest[rows, largest] = others.sum(axis=1) / total[:, 0]
    log_p = np.where(rest < 0.5, np.log1p(-np.minimum(rest, 0.5)), z - np.log(total))
    return e / total, rest, log_p

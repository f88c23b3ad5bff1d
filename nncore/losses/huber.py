"""Huber's loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Loss


class Huber(Loss):
    """Huber loss: squared error for small errors, absolute error for large ones, so that outliers have little influence.

    E = (1/m) Σⱼ h(yⱼ − Yⱼ) over the m outputs of a sample, with h(d) = ½d² where |d| ≤ δ, else δ(|d| − ½δ). ∂E/∂yⱼ = c/m, c being yⱼ − Yⱼ
    clipped to [−δ, δ]; h = c(d − ½c) in both cases. As PyTorch's ``HuberLoss``. Its ``SmoothL1Loss(beta=δ)`` is this divided by δ, and
    equal to it for δ = 1.

    Parameters
    ----------
    delta : float > 0, default 1.0
        δ, the error from which on the loss is linear, in the unit of the targets.

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964.
    """

    ranges: ClassVar[dict[str, str]] = {"delta": "(0, inf)"}
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"delta": 0.2})
    metrics = ("r2",)
    kernel = Kernel("nncore._core.native:loss_huber")

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    @property
    def judge(self) -> dict[str, Any]:  # type: ignore[override]  # as the arguments are
        return {"name": "d2_huber", "delta": self.delta}

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        d = output - target
        c = np.clip(d, -self.delta, self.delta)
        return (c * (d - c / 2)).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.clip(output - target, -self.delta, self.delta) * output.dtype.type(1 / output.shape[1])

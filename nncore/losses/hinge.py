"""Hinge loss: the margin of support vector machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.errors import DataError
from nncore.plugin import Kernel, Loss


class Hinge(Loss):
    """Hinge loss of support vector machines, for two or more classes: E = max(0, margin − a), or its square.

    a is the lead of the right class. With one output, the target is Y = −1 or +1, a = Y y, and the sign of the output is the predicted
    class. With several outputs, the target is a class index c, and the largest output is the predicted class. Then a = y_c − max over j ≠ c
    of yⱼ (Crammer & Singer; of equal wrong outputs the first).

    The gradient ∂E/∂a is −1, or −2 max(0, margin − a) if squared, and 0 where a ≥ margin.
    scikit-learn's ``hinge_loss`` is its mean. PyTorch's ``MultiMarginLoss`` differs: it adds over all wrong classes and divides by the
    number of classes.

    Parameters
    ----------
    margin : float > 0, default 1.0
        Lead of the right class from which on the loss is 0.
    squared : bool, default False
        Square the loss, so that larger violations have larger gradients.

    References
    ----------
    Cortes & Vapnik, "Support-vector networks", 1995. Crammer & Singer, "On the algorithmic implementation of multiclass kernel-based
    vector machines", 2001.
    """

    targets = "both"
    ranges: ClassVar[dict[str, str]] = {"margin": "(0, inf)"}
    flags = ("squared",)
    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"margin": 0.5, "squared": True})
    metrics = ({"name": "accuracy", "threshold": 0.0},)
    kernel = Kernel("nncore._core.native:loss_hinge")

    def __init__(self, margin: float = 1.0, squared: bool = False) -> None:
        self.margin = margin
        self.squared = squared

    def targets_for(self, n_outputs: int) -> str:
        return "real" if n_outputs == 1 else "labels"

    def output_domain_for(self, n_outputs: int) -> str:
        return "signed" if n_outputs == 1 else "real"  # of several outputs only the differences count

    def check_targets(self, target: np.ndarray, name: str) -> None:
        wrong = np.flatnonzero((np.abs(target) != 1).any(axis=1))
        if len(wrong):
            row = wrong[0]
            raise DataError(f"{name} is {target[row, 0]:g} at row {row}; with one output hinge takes -1 and 1 (2 * y - 1 for 0 and 1)")

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], (n_rows, n_outputs))

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        loss = np.maximum(self._slack(output, target), 0)
        return loss**2 if self.squared else loss

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        slack = self._slack(output, target)  # (n_rows,)
        slope = 2 * np.maximum(slack, 0) if self.squared else np.where(slack > 0, 1, np.where(slack <= 0, 0, slack))  # NaN passes
        slope = slope.astype(output.dtype)
        if target.ndim == 2:
            return -slope[:, None] * target
        rows, d_output = np.arange(len(output)), np.zeros_like(output)
        d_output[rows, _rivals(output, target)] = slope
        d_output[rows, target] = -slope
        return d_output

    def _slack(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """max(0, margin − a), shape (n_rows,)."""
        if target.ndim == 2:
            ahead = (target * output)[:, 0]
        else:
            rows = np.arange(len(output))
            ahead = output[rows, target] - output[rows, _rivals(output, target)]
        return output.dtype.type(self.margin) - ahead


def _rivals(output: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The wrong class with the largest output, shape (n_rows,)."""
    wrong = output.copy()
    wrong[np.arange(len(wrong)), labels] = -np.inf
    return wrong.argmax(axis=1)

"""L1 and L2 penalties: the elastic net."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Regularizer


class L1L2(Regularizer):
    """Elastic net: R(W) = λ₁·Σ|w| + ½·λ₂·Σw², which keeps or drops correlated inputs together.

    Parameters
    ----------
    l1 : float, default 0.01
        λ₁, the strength of the L1 penalty.
    l2 : float, default 0.01
        λ₂, the strength of the L2 penalty.

    References
    ----------
    Zou & Hastie, "Regularization and variable selection via the elastic net", JRSS B 2005.
    """

    ranges: ClassVar[dict[str, str]] = {"l1": "[0, inf)", "l2": "[0, inf)"}
    split = "elements"
    kernel = Kernel("nncore._core.native:regularizer_l1_l2", never_fails=True)

    def __init__(self, l1: float = 0.01, l2: float = 0.01) -> None:
        self.l1 = l1
        self.l2 = l2

    def value(self, w: np.ndarray) -> float:
        return float(self.l1 * np.abs(w).sum(dtype=np.float64) + 0.5 * self.l2 * np.square(w, dtype=np.float64).sum())

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += self.l1 * np.sign(w) + self.l2 * w

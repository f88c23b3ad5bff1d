"""L1 penalty: the lasso."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Regularizer


class L1(Regularizer):
    """L1 penalty (lasso): R(W) = λ·Σ|w| with λ = `strength`, which shrinks every weight by the same amount.

    Parameters
    ----------
    strength : float, default 0.01
        λ, the strength of the penalty.

    Notes
    -----
    The gradient is λ·sign(w), and 0 at 0. Gradient steps cross zero repeatedly: weights become small, of the order of lr·λ, but hardly ever
    zero. For exact zeros use `nncore.SoftThreshold`, a constraint that has the same minimum.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 1996.
    """

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}
    split = "elements"
    kernel = Kernel("nncore._core.native:regularizer_l1", never_fails=True)

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = strength

    def value(self, w: np.ndarray) -> float:
        return float(self.strength * np.abs(w).sum(dtype=np.float64))

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += self.strength * np.sign(w)

"""L2 penalty: weight decay of chosen tensors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Regularizer


class L2(Regularizer):
    """L2 penalty (weight decay) of chosen tensors: R(W) = ½·λ·Σw² with λ = `strength`.

    Parameters
    ----------
    strength : float, default 0.01
        λ, the strength of the penalty.

    Notes
    -----
    The gradient is λ·W. ``weight_decay`` of ``fit`` is the same penalty on all weights at once. Keras has no ½: its ``L2(0.01)`` is
    ``L2(0.02)`` here.

    References
    ----------
    Krogh & Hertz, "A simple weight decay can improve generalization", NeurIPS 1991.
    """

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}
    split = "elements"
    kernel = Kernel("nncore._core.native:regularizer_l2", never_fails=True)

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = strength

    def value(self, w: np.ndarray) -> float:
        return float(0.5 * self.strength * np.square(w, dtype=np.float64).sum())

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += self.strength * w

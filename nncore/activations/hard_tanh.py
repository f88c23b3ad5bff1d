"""Hard tanh: linear between two bounds, constant beyond them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.errors import ParameterError
from nncore.plugin import Activation, Graph, Kernel, Value


class HardTanh(Activation):
    """Hard tanh, linear between two bounds: φ(z) = min(max(z, low), high).

    φ'(z) = 1 between the bounds, 0 at them and beyond.

    Parameters
    ----------
    low : float, default -1.0
        Lower bound, below `high`.
    high : float, default 1.0
        Upper bound. `relu6` is this function from 0 to 6.

    References
    ----------
    Collobert, "Large scale machine learning", thesis, Université Paris VI, 2004.
    """

    ranges: ClassVar[dict[str, str]] = {"low": "(-inf, inf)", "high": "(-inf, inf)"}
    kernel = Kernel("nncore._core.native:activation_hard_tanh")

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        self.low = low
        self.high = high

    def validate(self) -> None:
        if self.low >= self.high:
            raise ParameterError(f"HardTanh: low must be below high, got low={self.low!r} and high={self.high!r}")

    def hyper(self) -> list[float]:
        return [0.0, float(self.low), float(self.high), 1.0]

    def output_domain_for(self, n_columns: int) -> str:
        return f"[{float(self.low)}, {float(self.high)}]"

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.clip(z, self.low, self.high)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.minimum(g.maximum(z, self.low), self.high)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where((a <= a.dtype.type(self.low)) | (a >= a.dtype.type(self.high)), d_a.dtype.type(0), d_a)

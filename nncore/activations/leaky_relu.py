"""Leaky rectified linear unit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class LeakyReLU(Activation):
    """Leaky ReLU: φ(z) = z where z > 0, else slope·z; φ'(z) = 1 where z > 0, else slope.

    Parameters
    ----------
    slope : float in [0, 1), default 0.01
        Slope for negative z. It is not negative, so that φ(z) shows the sign of z.

    References
    ----------
    Maas, Hannun & Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    ranges: ClassVar[dict[str, str]] = {"slope": "[0, 1)"}
    kernel = Kernel("nncore._core.native:activation_leaky_relu")

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def output_domain_for(self, n_columns: int) -> str:
        return "(-inf, inf)" if self.slope > 0 else "[0, inf)"

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, z.dtype.type(self.slope) * z)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z > 0, z, self.slope * z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where(a > 0, d_a, d_a.dtype.type(self.slope) * d_a)

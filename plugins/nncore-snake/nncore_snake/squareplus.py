"""Squareplus, a smooth ReLU made of algebra alone."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class Squareplus(Activation):
    """φ(z) = (z + √(z² + b)) / 2, φ'(z) = (1 + z / √(z² + b)) / 2 = 1 / (1 + b / 4φ²).

    The last form needs the output alone, so that z may be overwritten.

    Parameters
    ----------
    b : float in (0, ∞), default 4.0
        Size of the bend: φ(0) = √b / 2. At 4 the curvature at 0 is that of softplus, at 4·ln²2 the value there.

    References
    ----------
    Barron, "Squareplus: a softplus-like algebraic rectifier", arXiv:2112.11687, 2021.
    """

    ranges = {"b": "(0, inf)"}
    initializer = "he_uniform"
    output_domain = "(0, inf)"
    kernel = Kernel("nncore_snake.native:squareplus")

    def __init__(self, b: float = 4.0) -> None:
        self.b = b

    def forward(self, z: np.ndarray) -> np.ndarray:
        # √(z² + b) with the larger of |z| and √b taken out, so that no square overflows. Where z is negative, the two terms
        # nearly cancel: there (√(z² + b) − |z|) / 2 = (b/4) / ((√(z² + b) + |z|) / 2) keeps all digits.
        magnitude, root_b = np.abs(z), z.dtype.type(math.sqrt(self.b))
        smaller, larger = np.minimum(magnitude, root_b), np.maximum(magnitude, root_b)
        ratio = smaller / larger
        positive = (magnitude + larger * np.sqrt(1 + ratio * ratio)) / 2
        return np.where(z < 0, z.dtype.type(self.b / 4) / positive, positive)

    def formula(self, g: Graph, z: Value) -> Value:
        magnitude, root_b = abs(z), math.sqrt(self.b)
        larger = g.maximum(magnitude, root_b)
        ratio = g.minimum(magnitude, root_b) / larger
        positive = (magnitude + larger * g.sqrt(1 + ratio * ratio)) / 2
        return g.where(z < 0, self.b / 4 / positive, positive)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", divide="ignore"):  # far on the negative side √b / 2φ is infinite, and φ' 0 as it should be
            ratio = a.dtype.type(math.sqrt(self.b) / 2) / a
            return d_a / (1 + ratio * ratio)

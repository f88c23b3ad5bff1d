"""Snake, a monotone function with a periodic part."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


def phase(u: np.ndarray) -> np.ndarray:
    """The angle `u`, or 0 where it has none: from 1/ε on (ε of the dtype) neighbouring numbers are a radian and more apart.

    So snake goes on as the identity out there, and infinity stays infinity.
    """
    return np.where(np.abs(u) < 1 / np.finfo(u.dtype).eps, u, u.dtype.type(0))


def phase_formula(g: Graph, u: Value) -> Value:
    """The same in a formula, which does not know its dtype: in float32 the sine goes on to 1/ε of float64, where it is below rounding."""
    return g.where(abs(u) < 2.0**52, u, 0)


class Snake(Activation):
    """φ(z) = z + sin²(f·z) / f, φ'(z) = 1 + sin(2f·z).

    It rises like the identity and repeats itself every π/f, so that a network can go on with a periodic function outside the
    data. `LearnableSnake` is the layer that learns f.

    Parameters
    ----------
    frequency : float in (0, ∞), default 1.0
        f. The paper recommends 5 to 50 for data known to be periodic, else a value near 1.

    References
    ----------
    Ziyin, Hartwig & Ueda, "Neural networks fail to learn periodic functions and how to fix it", NeurIPS 2020.
    """

    ranges = {"frequency": "(0, inf)"}
    needs_input = True
    output_domain = "(-inf, inf)"
    kernel = Kernel("nncore_snake.native:snake")

    def __init__(self, frequency: float = 1.0) -> None:
        self.frequency = frequency

    def forward(self, z: np.ndarray) -> np.ndarray:
        f = z.dtype.type(self.frequency)
        sine = np.sin(phase(f * z))
        return z + sine * sine / f

    def formula(self, g: Graph, z: Value) -> Value:
        sine = g.sin(phase_formula(g, self.frequency * z))
        return z + sine * sine / self.frequency

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * (1 + np.sin(2 * phase(z.dtype.type(self.frequency) * z)))

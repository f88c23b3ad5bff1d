"""Hard swish: a piecewise quadratic swish."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class HardSwish(Activation):
    """Hard swish, close to `silu` without an exponential.

    φ(z) = z·min(max(z + 3, 0), 6) / 6; φ'(z) = 0 for z ≤ −3, 1 for z ≥ 3, (2z + 3) / 6 between.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    needs_input = True
    output_domain = "[-0.375, inf)"  # −0.375 at z = −1.5
    kernel = Kernel("nncore._core.native:activation_hard_swish")

    def forward(self, z: np.ndarray) -> np.ndarray:
        near = np.maximum(z, -3)  # −∞ times 0 would be NaN
        return near * (np.minimum(near + 3, 6) / 6)

    def formula(self, g: Graph, z: Value) -> Value:
        near = g.maximum(z, -3)
        return near * (g.minimum(near + 3, 6) / 6)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        slope = np.where(z >= 3, z.dtype.type(1), (2 * z + 3) / 6)
        return d_a * np.where(z <= -3, z.dtype.type(0), slope)

"""Swish, z·sigmoid(z), made of straight lines and one parabola."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class HardSwish(Activation):
    """φ(z) = z · min(max(z + 3, 0), 6) / 6; φ'(z) = 0 where z ≤ −3, 1 where z ≥ 3, (2z + 3) / 6 between.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    needs_input = True
    initializer = "he_uniform"
    output_domain = "[-0.375, inf)"  # at z = −3/2
    kernel = Kernel("nncore_snake.native:hard_swish")

    def forward(self, z: np.ndarray) -> np.ndarray:
        # The gate is 0 or 1 exactly outside [−3, 3]; it must not meet −∞, because −∞ · 0 is no number.
        return np.where(z <= -3, z.dtype.type(0), z) * ((np.clip(z, -3, 3) + 3) / 6)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.where(z <= -3, 0, z) * ((g.minimum(g.maximum(z, -3), 3) + 3) / 6)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        slope = (2 * np.clip(z, -3, 3) + 3) / 6
        return d_a * np.where(z <= -3, z.dtype.type(0), np.where(z >= 3, z.dtype.type(1), slope))

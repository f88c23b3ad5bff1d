"""Hard sigmoid: a piecewise linear sigmoid."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation, Graph, Kernel, Value


class HardSigmoid(Activation):
    """Hard sigmoid, a piecewise linear sigmoid.

    φ(z) = min(max(z + 3, 0), 6) / 6; φ'(z) = 1/6 where −3 < z < 3, else 0. As in PyTorch and Keras 3. That of Keras 2 and ONNX reaches its
    bounds at ±2.5.

    References
    ----------
    Courbariaux, Bengio & David, "BinaryConnect: training deep neural networks with binary weights during propagations", NIPS 2015. Howard
    et al., "Searching for MobileNetV3", ICCV 2019 (with these bounds).
    """

    output_domain = "[0, 1]"
    kernel = Kernel("nncore._core.native:activation_hard_tanh")

    def hyper(self) -> list[float]:
        return [3.0, 0.0, 6.0, 1 / 6]

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.clip(z + 3, 0, 6) * z.dtype.type(1 / 6)

    def formula(self, g: Graph, z: Value) -> Value:
        return g.minimum(g.maximum(z + 3, 0), 6) * (1 / 6)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return np.where((a <= 0) | (a >= 1), d_a.dtype.type(0), d_a * d_a.dtype.type(1 / 6))

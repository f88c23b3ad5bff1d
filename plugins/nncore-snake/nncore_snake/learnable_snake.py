"""Snake as a layer, because its frequency is trained and activations have no parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value
from nncore_snake.snake import phase, phase_formula


class LearnableSnake(Layer):
    """y = x + sin²(f·x) / f, with a trained frequency f for each feature.

    ∂y/∂x = 1 + sin(2f·x), ∂y/∂f = (sin(f·x) / f) · (2x·cos(f·x) − sin(f·x) / f). At f = 0 these are the limits y = x, 1 and x².

    Parameters
    ----------
    frequency : float in (0, ∞), default 1.0
        Initial value of every f. Training may change it to any value.

    Notes
    -----
    The tensor ``frequency`` has the shape of a sample, and the role "scale", so `weight_decay` does not apply.

    References
    ----------
    Ziyin, Hartwig & Ueda, "Neural networks fail to learn periodic functions and how to fix it", NeurIPS 2020.
    """

    ranges = {"frequency": "(0, inf)"}
    kernel = Kernel("nncore_snake.native:learnable_snake")

    def __init__(self, frequency: float = 1.0) -> None:
        self.frequency = frequency

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        frequency = Tensor("frequency", input_shape, "scale", {"name": "constant", "value": self.frequency}, 1, 1)
        return Plan(input_shape, (frequency,), work=math.prod(input_shape), split_columns=True, output_domain="(-inf, inf)")

    def forward(self, call: LayerCall) -> None:
        frequency = call.parameters["frequency"].ravel()
        sine = np.sin(phase(frequency * call.x))
        call.y[...] = call.x + sine * _divided(sine, frequency, call.x)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        frequency = tensors["frequency"]
        is_zero = frequency == 0
        sine = g.sin(phase_formula(g, frequency * x))
        return x + sine * g.where(is_zero, x, sine / g.where(is_zero, 1, frequency))

    def backward(self, call: LayerCall) -> None:
        frequency = call.parameters["frequency"].ravel()
        u = phase(frequency * call.x)
        sine, cosine = np.sin(u), np.cos(u)
        quotient = _divided(sine, frequency, call.x)
        d_frequency = (call.d_y * (quotient * (2 * call.x * cosine - quotient))).sum(axis=0, dtype=np.float64)
        call.d_parameters["frequency"][...] = d_frequency.reshape(call.d_parameters["frequency"].shape)
        if call.d_x is not None:
            call.d_x[...] = call.d_y * (1 + 2 * sine * cosine)


def _divided(sine: np.ndarray, frequency: np.ndarray, x: np.ndarray) -> np.ndarray:
    """sin(f·x) / f, which is x at f = 0."""
    return np.where(frequency == 0, x, sine / np.where(frequency == 0, frequency.dtype.type(1), frequency))

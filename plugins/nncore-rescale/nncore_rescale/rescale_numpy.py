"""The layer in NumPy: plan, forward and backward pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Layer, LayerCall, Plan, Tensor, Value


class RescaleNumPy(Layer):
    """y = gain·x + shift, with a trained gain and shift for each feature.

    Parameters
    ----------
    gain : float, default 1.0
        Initial value of every gain; every shift starts at 0. The paper uses 0.1 to 1e-6, smaller for deeper networks, so that each branch
        of a residual network starts near 0.

    Notes
    -----
    The tensors ``gain`` (role "scale") and ``shift`` (role "bias") have the shape of a sample. LayerScale has no shift.

    References
    ----------
    Touvron et al., "Going deeper with image transformers", ICCV 2021 (LayerScale).
    """

    ranges = {"gain": "(-inf, inf)"}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        # fan_in and fan_out of 1: every unit has one connection, whatever a user's initializer makes of it.
        gain = Tensor("gain", input_shape, "scale", {"name": "constant", "value": self.gain}, 1, 1)
        shift = Tensor("shift", input_shape, "bias", "zeros", 1, 1)
        return Plan(input_shape, (gain, shift), split_rows=True, gradient_unit=1)  # the last two are for `Rescale`

    def forward(self, call: LayerCall) -> None:
        gain, shift = (call.parameters[name].ravel() for name in ("gain", "shift"))
        call.y[...] = gain * call.x + shift

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        return tensors["gain"] * x + tensors["shift"]

    def backward(self, call: LayerCall) -> None:
        d_gain, d_shift = (call.d_parameters[name] for name in ("gain", "shift"))
        d_gain[...] = (call.d_y * call.x).sum(axis=0, dtype=np.float64).reshape(d_gain.shape)
        d_shift[...] = call.d_y.sum(axis=0, dtype=np.float64).reshape(d_shift.shape)
        if call.d_x is not None:
            np.multiply(call.parameters["gain"].ravel(), call.d_y, out=call.d_x)

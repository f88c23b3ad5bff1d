"""PReLU: a leaky ReLU with learned slopes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value


class PReLU(Layer):
    """PReLU, a leaky ReLU with a learned slope a for each unit: y = x where x > 0, else a ⊙ x.

    Parameters
    ----------
    initial_slope : float in (-inf, inf), default 0.25
        Initial value of every slope.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensor: ``slope`` of the shape of a sample, with the role of a scale: the `weight_decay` of `fit` does not apply to it, since it would
    draw units towards ReLU. ``d_x`` = ``d_y`` where x > 0, else a ⊙ ``d_y``, and ``d_slope`` is the sum of ``d_y`` ⊙ min(x, 0) over the
    rows.

    Put it behind a `Dense` without an activation. That layer draws its initial weights for the identity: choose
    ``weight_initializer="he_normal"`` for a ReLU. `ParametricActivation` learns the strength of any activation.

    References
    ----------
    He, Zhang, Ren & Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.Dense(3), nn.PReLU(), nn.Dense(1)).build(2)
    >>> net.named_parameters()["prelu_1.slope"]
    array([0.25, 0.25, 0.25], dtype=float32)
    """

    ranges = {"initial_slope": "(-inf, inf)"}
    kernel = Kernel("nncore._core.native:layer_prelu", never_fails=True)

    def __init__(self, initial_slope: float = 0.25, *, name: str | None = None) -> None:
        self.initial_slope = initial_slope
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        slope = Tensor("slope", input_shape, "scale", {"name": "constant", "value": float(self.initial_slope)}, 1, 1)
        flops = 2 * math.prod(input_shape)
        return Plan(input_shape, (slope,), split_rows=True, gradient_unit=1, output_domain="(-inf, inf)", flops=flops)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = np.where(call.x > 0, call.x, call.parameters["slope"].ravel() * call.x)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        return g.where(x > 0, x, tensors["slope"] * x)

    def backward(self, call: LayerCall) -> None:
        d_slope = call.d_parameters["slope"]
        d_slope[...] = (call.d_y * np.minimum(call.x, 0)).sum(axis=0, dtype=np.float64).reshape(d_slope.shape)
        if call.d_x is not None:
            call.d_x[...] = np.where(call.x > 0, call.d_y, call.parameters["slope"].ravel() * call.d_y)

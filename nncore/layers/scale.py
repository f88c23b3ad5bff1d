"""A learned factor for each feature."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value


class Scale(Layer):
    """Multiply each feature by a learned factor: y = x ⊙ s.

    As the first layer of a network for tables it learns which features matter. Give it a learning rate several times that of the weights.

    Parameters
    ----------
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensor: ``scale`` of the shape of a sample, with the role of a scale, initially 1. ``d_x`` = ``d_y`` ⊙ s, and ``d_scale`` is the sum of
    ``d_y`` ⊙ x over the rows.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024: the
    scaling layer of RealMLP, at 6 times the learning rate.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.Scale(), nn.Dense(64, activation="selu"), nn.Dense(1)).build(3)
    >>> net.named_parameters()["scale_1.scale"]
    array([1., 1., 1.], dtype=float32)
    """

    kernel = Kernel("nncore._core.native:layer_scale", never_fails=True)

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        scale = Tensor("scale", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1)
        flops = math.prod(input_shape)
        return Plan(input_shape, (scale,), split_rows=True, gradient_unit=1, output_domain="(-inf, inf)", flops=flops)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x * call.parameters["scale"].ravel()

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        return x * tensors["scale"]

    def backward(self, call: LayerCall) -> None:
        d_scale = call.d_parameters["scale"]
        d_scale[...] = (call.d_y * call.x).sum(axis=0, dtype=np.float64).reshape(d_scale.shape)
        if call.d_x is not None:
            call.d_x[...] = call.d_y * call.parameters["scale"].ravel()

"""RMS normalisation: by the root of the mean square."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value


class RMSNorm(Layer):
    """RMS normalisation: divide the n features of each sample by their root mean square, x̂ = x / √(Σx²/n + ε), y = γx̂.

    This is `LayerNorm` without mean and shift, which is cheaper. Training and prediction compute the same, with batches of any size.

    Parameters
    ----------
    epsilon : float in (0, inf), default 1e-6
        ε, which prevents division by zero. PyTorch uses the rounding error of the dtype, 1.2e-7 for float32.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensor: ``gamma`` (role scale, from 1), of the shape of a sample. Back-propagation, with g = ``d_y`` ⊙ γ and r = √(Σx²/n + ε): ``d_x`` =
    (g − x̂ Σ(g ⊙ x̂) / n) / r, the sum over a sample's features, and ``d_gamma`` = Σ ``d_y`` ⊙ x̂ over the rows.

    References
    ----------
    Zhang & Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.Dense(64), nn.RMSNorm(), nn.Dense(1)).build(3)
    >>> net.named_parameters()["rms_norm_1.gamma"].shape
    (64,)
    """

    ranges = {"epsilon": "(0, inf)"}
    kernel = Kernel("nncore._core.native:layer_rms_norm", never_fails=True)

    def __init__(self, epsilon: float = 1e-6, *, name: str | None = None) -> None:
        self.epsilon = epsilon
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n = math.prod(input_shape)
        return Plan(
            input_shape,
            (Tensor("gamma", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1),),
            cache_per_row=1,
            split_rows=True,
            gradient_unit=1,
            gradient_bound=math.sqrt(n),  # the squares of a sample's x̂ add up to n at most
            output_domain="(-inf, inf)",
            flops=4 * n,
        )

    def forward(self, call: LayerCall) -> None:
        inverse = 1 / np.sqrt((call.x**2).mean(axis=1, keepdims=True) + call.x.dtype.type(self.epsilon))
        call.cache[...] = inverse.ravel()
        call.y[...] = call.parameters["gamma"].ravel() * (call.x * inverse)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n = (math.prod(x.sample_shape),)
        return g.reshape(tensors["gamma"], n) * g.rms_normalize(g.reshape(x, n), self.epsilon)

    def backward(self, call: LayerCall) -> None:
        inverse = call.cache.reshape(-1, 1)
        normalised = call.x * inverse
        d_gamma = call.d_parameters["gamma"]
        d_gamma[...] = (call.d_y * normalised).sum(axis=0, dtype=np.float64).reshape(d_gamma.shape)
        if call.d_x is not None:
            g = call.d_y * call.parameters["gamma"].ravel()
            call.d_x[...] = inverse * (g - normalised * (g * normalised).mean(axis=1, keepdims=True))

"""Layer normalisation."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value


class LayerNorm(Layer):
    """Layer normalisation: standardise the features of each sample, x̂ = (x − μ) / √(σ² + ε), y = γx̂ + β.

    μ and σ² are the mean and the variance of the sample's own features. So training and prediction compute the same, with batches of any
    size.

    Parameters
    ----------
    epsilon : float in (0, inf), default 1e-5
        ε, which prevents division by zero.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensors: ``gamma`` (role scale, from 1) and ``beta`` (role bias, from 0), of the shape of a sample. Back-propagation through mean and
    variance, with n features, g = ``d_y`` ⊙ γ and sums over a sample's features: ``d_x`` = (g − Σg / n − x̂ Σ(g ⊙ x̂) / n) / √(σ² + ε);
    ``d_gamma`` = Σ ``d_y`` ⊙ x̂ and ``d_beta`` = Σ ``d_y`` over the rows. σ² is the mean of (x − μ)², as in PyTorch.

    References
    ----------
    Ba, Kiros & Hinton, "Layer normalization", 2016.
    """

    ranges = {"epsilon": "(0, inf)"}
    kernel = Kernel("nncore._core.native:layer_layer_norm", never_fails=True)

    def __init__(self, epsilon: float = 1e-5, *, name: str | None = None) -> None:
        self.epsilon = epsilon
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        gamma = Tensor("gamma", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1)
        beta = Tensor("beta", input_shape, "bias", "zeros", 1, 1)
        # The squares of a sample's x̂ add up to n at most: none of them is above √n.
        bound = math.sqrt(math.prod(input_shape))
        flops = 7 * math.prod(input_shape)  # 4 for the moments and x − μ, then / σ, · γ, + β
        return Plan(
            input_shape,
            (gamma, beta),
            cache_per_row=2,
            split_rows=True,
            gradient_unit=1,
            gradient_bound=bound,
            output_domain="(-inf, inf)",
            flops=flops,
        )

    def forward(self, call: LayerCall) -> None:
        mean = call.x.mean(axis=1, keepdims=True)
        deviation = call.x - mean
        inverse_std = 1 / np.sqrt((deviation**2).mean(axis=1, keepdims=True) + call.x.dtype.type(self.epsilon))
        call.cache[...] = np.hstack([mean, inverse_std]).ravel()
        call.y[...] = call.parameters["gamma"].ravel() * (deviation * inverse_std) + call.parameters["beta"].ravel()

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n = math.prod(x.sample_shape)
        features = g.reshape(x, (n,))
        normalised = g.standardize(features, self.epsilon)
        return g.reshape(tensors["gamma"], (n,)) * normalised + g.reshape(tensors["beta"], (n,))

    def backward(self, call: LayerCall) -> None:
        mean, inverse_std = np.split(call.cache.reshape(-1, 2), 2, axis=1)
        normalised = (call.x - mean) * inverse_std
        gamma, beta = call.d_parameters["gamma"], call.d_parameters["beta"]
        gamma[...] = (call.d_y * normalised).sum(axis=0, dtype=np.float64).reshape(gamma.shape)
        beta[...] = call.d_y.sum(axis=0, dtype=np.float64).reshape(beta.shape)
        if call.d_x is not None:
            g = call.d_y * call.parameters["gamma"].ravel()
            through_variance = normalised * (g * normalised).mean(axis=1, keepdims=True)
            call.d_x[...] = inverse_std * (g - g.mean(axis=1, keepdims=True) - through_variance)

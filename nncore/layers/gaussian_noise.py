"""Noise between layers."""

from __future__ import annotations

import math

from nncore.plugin import Kernel, Layer, LayerCall, Plan, random_words, standard_normal


class GaussianNoiseLayer(Layer):
    """Gaussian noise between layers, in training: y = x + σ·N(0, 1).

    Each feature of each sample gets its own noise in every step. At prediction the layer does nothing. The noise depends only on the
    network's seed, the step, the layer and the element: a resumed run draws the same. For noise on the inputs use the transform
    `GaussianNoise`, which does not change category codes.

    Parameters
    ----------
    std : float in [0, inf), default 0.1
        σ, standard deviation of the noise, in the unit of the features.
    name : str, optional
        Name of the layer, which summaries and files use; by default kind and number, as in ``dense_1``.

    References
    ----------
    Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation, 1995. Poole, Sohl-Dickstein & Ganguli,
    "Analyzing noise in autoencoders and deep networks", 2014.
    """

    ranges = {"std": "[0, inf)"}
    kernel = Kernel("nncore._core.native:layer_gaussian_noise", never_fails=True)

    def __init__(self, std: float = 0.1, *, name: str | None = None) -> None:
        self.std = std
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, split_rows=True, training_only=True, flops=math.prod(input_shape))

    def forward(self, call: LayerCall) -> None:
        words = random_words(call.seed, call.step, call.layer, call.x.size)
        call.y[...] = call.x + (self.std * standard_normal(words)).reshape(call.x.shape)

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y

"""Dropout."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Layer, LayerCall, Plan, random_words


class Dropout(Layer):
    """Dropout: in training, set each input to zero with probability `rate` and scale the others by 1 / (1 − rate).

    At prediction the layer does nothing. The mask depends only on the network's seed, the step, the layer and the element: a resumed run
    draws the same masks.

    Parameters
    ----------
    rate : float, default 0.5
        Probability that an input is dropped, in [0, 1).
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
    """

    ranges = {"rate": "[0, 1)"}
    kernel = Kernel("nncore._core.native:layer_dropout", never_fails=True)

    def __init__(self, rate: float = 0.5, *, name: str | None = None) -> None:
        self.rate = rate
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, cache_per_row=int(np.prod(input_shape)), split_rows=True, training_only=True)

    def forward(self, call: LayerCall) -> None:
        words = random_words(call.seed, call.step, call.layer, call.x.size)
        dropped = words < np.uint32(int(self.rate * 2**32))
        call.cache[...] = np.where(dropped, 0.0, 1.0 / (1.0 - self.rate))
        call.y[...] = call.x * call.cache.reshape(call.x.shape)

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y * call.cache.reshape(call.d_y.shape)

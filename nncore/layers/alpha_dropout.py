"""Dropout that keeps mean and variance: for SELU."""

from __future__ import annotations

import math

import numpy as np

from nncore.plugin import Kernel, Layer, LayerCall, Plan, random_words

#: The limit of SELU for x → −∞: −λα.
FAR_LEFT = -1.7580993408473766


class AlphaDropout(Layer):
    """Alpha dropout, for networks with SELU: dropout that preserves mean 0 and variance 1.

    In training, each input is set with probability `rate` to the limit α′ of SELU for x → −∞. All are then scaled and shifted,
    with d = 0 where an input is dropped and 1 elsewhere::

        y = a·(x·d + α′·(1 − d)) + b
        α′ = −1.7581, q = 1 − rate, a = 1/√(q(1 + α′²·rate)), b = −a·α′·rate

    At prediction the layer does nothing.

    The mask depends only on the network's seed, the step, the layer and the element: a resumed run draws the same masks.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Probability that an input is dropped. The paper uses 0.05 and 0.1. PyTorch's default is 0.5.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", NIPS 2017.
    """

    ranges = {"rate": "[0, 1)"}
    kernel = Kernel("nncore._core.native:layer_alpha_dropout", never_fails=True)

    def __init__(self, rate: float = 0.1, *, name: str | None = None) -> None:
        self.rate = rate
        self.name = name

    def hyper(self) -> list[float]:
        return [self.rate, *self._line()]

    def _line(self) -> tuple[float, float]:
        """a and b."""
        a = 1 / math.sqrt((1 - self.rate) * (1 + FAR_LEFT**2 * self.rate))
        return a, -a * FAR_LEFT * self.rate

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, cache_per_row=math.prod(input_shape), split_rows=True, training_only=True)

    def forward(self, call: LayerCall) -> None:
        words = random_words(call.seed, call.step, call.layer, call.x.size)
        dropped = words < np.uint32(int(self.rate * 2**32))
        a, b = self._line()
        call.cache[...] = np.where(dropped, 0.0, a)
        call.y[...] = call.x * call.cache.reshape(call.x.shape) + np.where(dropped, a * FAR_LEFT + b, b).reshape(call.x.shape)

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y * call.cache.reshape(call.d_y.shape)

"""Turn samples of any shape into vectors."""

from __future__ import annotations

import math

from nncore.plugin import Layer, Plan


class Flatten(Layer):
    """A sample of shape ``(28, 28, 3)`` becomes a vector of 2352 numbers, in C order. Copies nothing."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan((math.prod(input_shape),), is_view=True)

"""Turn samples of any shape into vectors."""

from __future__ import annotations

import math

from nncore.plugin import Layer, Plan


class Flatten(Layer):
    """A sample of shape ``(28, 28, 3)`` becomes a vector of 2352 numbers, in C order. Copies nothing.

    Parameters
    ----------
    name : str, optional
        What the network calls the layer in names of tensors, tables and files; by default its kind and number.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan((math.prod(input_shape),), is_view=True)

"""Turn samples of any shape into vectors."""

from __future__ import annotations

import math

from nncore.plugin import Layer, Plan


class Flatten(Layer):
    """Flatten samples to vectors: shape ``(28, 28, 3)`` becomes 2352 numbers, in C order, without a copy.

    Parameters
    ----------
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan((math.prod(input_shape),), is_view=True)

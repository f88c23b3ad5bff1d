"""Networks whose scaling is asked for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import nncore as nn


@dataclass(frozen=True)
class Shape:
    """A network and its batch.

    Attributes
    ----------
    inputs : int
    hidden : tuple of int
    outputs : int
    batch : int
        Samples of a step.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    batch: int

    @property
    def widths(self) -> tuple[int, ...]:
        return self.inputs, *self.hidden, self.outputs

    @property
    def n_parameters(self) -> int:
        return sum(m * n + n for m, n in itertools.pairwise(self.widths))

    def network(self) -> nn.Sequential:
        return nn.Sequential(*(nn.Dense(units, activation="relu") for units in self.hidden), nn.Dense(self.outputs))

    def __str__(self) -> str:
        return "-".join(map(str, self.widths))


#: Wide layers; a table with large batches; a small network.
SHAPES = (Shape(1024, (2048, 2048), 10, 512), Shape(54, (256, 256), 7, 2048), Shape(20, (64, 64), 1, 256))

"""What may change while a network lives, and what programs take over when it has."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nncore.contract import Loss, Optimizer, Transform
from nncore.program.groups import Grouping
from nncore.program.planning import Blueprint


@dataclass
class Knobs:
    """The one place of what a network obeys: `nncore.network.network.Network` writes it, its programs read it.

    A program compares `version` whenever it is called, not in every step, and takes everything over if it has moved.

    Attributes
    ----------
    version : ndarray of shape (1,), int64
        Raised by every change.
    blueprint, grouping : Blueprint, Grouping or None
        None before the network is built.
    weight_decay, clip_norm, clip_value : float
        0 for none.
    seed : int
    transforms : tuple of Transform
        Of the fit under way.
    """

    version: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    blueprint: Blueprint | None = None
    grouping: Grouping | None = None
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    seed: int = 0
    transforms: tuple[Transform, ...] = ()

    def moved(self) -> None:
        """Let every program take over what has changed before it runs again."""
        self.version[0] += 1

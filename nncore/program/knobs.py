"""What may change while a network lives, and what programs take over when it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore.contract import FrozenDict, Loss, Optimizer, Transform
from nncore.program.groups import Grouping
from nncore.program.planning import Blueprint
from nncore.program.rules import Rule, rules_of


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
    options : mapping
        The parameter groups, by patterns of tensor names.
    weight_decay, clip_norm, clip_value : float
        0 for none.
    seed : int
    transforms : tuple of Transform
        Of the fit under way.
    """

    version: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    blueprint: Blueprint | None = None
    grouping: Grouping | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=FrozenDict)
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    seed: int = 0
    transforms: tuple[Transform, ...] = ()

    def rules(self) -> list[Rule]:
        """The regularizers and constraints of trained tensors."""
        assert self.blueprint is not None, "the tensors of a planned network have rules"
        assert self.grouping is not None, "and are grouped"
        return rules_of(self.blueprint, self.options, self.grouping)

    def moved(self) -> None:
        """Let every program take over what has changed before it runs again."""
        self.version[0] += 1

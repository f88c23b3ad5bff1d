"""What may change while a network lives, what programs take over when it has, and every number in it by its path."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import numpy as np

from nncore.contract import Configurable, Loss, Optimizer, numbers_of
from nncore.errors import ParameterError
from nncore.program.groups import Grouping
from nncore.program.planning import Blueprint
from nncore.program.specification import Stage

#: Numbers of the network itself, which limit gradients; 0 is no limit.
LIMITS = ("clip_norm", "clip_value")


@dataclass(frozen=True)
class Knob:
    """A number of a network that is read while it is trained.

    Attributes
    ----------
    path : str
        Its name: ``"lr"``, ``"loss.delta"``, ``"dropout_1.rate"``.
    name : str
        Of the argument of the component, or of the attribute of the network.
    value : float
        The base value: what it is without a schedule.
    component : Configurable or None
        Whose argument it is; None for the network's own.
    stage : Stage or None
        Of a layer, or of its activation.
    """

    path: str
    name: str
    value: float
    component: Configurable | None = None
    stage: Stage | None = None

    @property
    def is_read_by_predictions(self) -> bool:
        """Whether a prediction may depend on it too: a layer that only trains is left out there."""
        return self.stage is not None and not (self.component is self.stage.layer and self.stage.plan.training_only)


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

    def moved(self) -> None:
        """Let every program take over what has changed before it runs again."""
        self.version[0] += 1

    def table(self) -> dict[str, Knob]:
        """Every number by its path, as the components say it: layers and their activations, the loss, the optimizer, the network's own.

        Those of the optimizer have their bare name and ``optimizer.<name>``. ``weight_decay`` is the optimizer's own if it has one, else
        that of the network's penalty.
        """
        found: list[Knob] = []
        for stage in () if self.blueprint is None else self.blueprint.stages:
            found += _of(f"{stage.name}.", stage.layer, stage)
            if stage.activation is not None:
                found += _of(f"{stage.name}.activation.", stage.activation, stage)
        found += [] if self.loss is None else _of("loss.", self.loss)
        knobs = {knob.path: knob for knob in found}
        knobs |= {name: Knob(name, name, float(getattr(self, name))) for name in ("weight_decay", *LIMITS)}
        if self.optimizer is not None:
            bare = {knob.path: knob for knob in _of("", self.optimizer)}
            knobs |= {path: knob for path, knob in bare.items() if path not in LIMITS}
            knobs |= {f"optimizer.{path}": knobs[path] if path not in LIMITS else knob for path, knob in bare.items()}
        return knobs

    def find(self, path: str) -> Knob:
        """The number of a path.

        Raises
        ------
        ParameterError
            If there is none.
        """
        knobs = self.table()
        if path in knobs:
            return knobs[path]
        near = difflib.get_close_matches(path, knobs, n=3) or [known for known in knobs if known.endswith(f".{path}")]
        remedy = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(knobs)}"
        raise ParameterError(f"this network has no number {path!r} that a schedule could move: {remedy}")


def _of(prefix: str, component: Configurable, stage: Stage | None = None) -> list[Knob]:
    return [Knob(f"{prefix}{name}", name, value, component, stage) for name, value in numbers_of(component).items()]

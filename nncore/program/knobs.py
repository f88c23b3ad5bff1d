"""`Knobs`: the settings of a network that may change, which programs read, and its numbers by path."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nncore._core import Turn
from nncore.contract import Configurable, FrozenDict, Loss, Optimizer, Transform, numbers_of, numbers_of_optimizer
from nncore.errors import ParameterError
from nncore.program.groups import Grouping
from nncore.program.planning import Blueprint
from nncore.program.rules import Rule, rules_of
from nncore.program.specification import Stage

#: Numbers of the network itself, which limit gradients; 0 is no limit.
LIMITS = ("clip_norm", "clip_value")


@dataclass(frozen=True)
class Knob:
    """A number of a network that is read while it is trained.

    Attributes
    ----------
    path : str
        Its name: ``"lr"``, ``"loss.delta"``, ``"dropout_1.rate"``, ``"dense_1.weight.regularizer.strength"``, ``"transforms.0.std"``.
    name : str
        Of the argument of the component, or of the attribute of the network.
    value : float
        The base value: what it is without a schedule; of several optimizers, that of the network's own if it has one.
    owners : tuple of Configurable
        Whose argument it is: one component, or the optimizers of the groups that have it. Empty for the network's own.
    groups : tuple of int
        Of optimizers: which group each of them trains.
    stage : Stage or None
        Of a layer, or of its activation.
    number : int or None
        Of a transform, its place in the list; of a regularizer or a constraint, its place among `Knobs.rules`.
    """

    path: str
    name: str
    value: float
    owners: tuple[Configurable, ...] = ()
    groups: tuple[int, ...] = ()
    stage: Stage | None = None
    number: int | None = None

    @property
    def values(self) -> tuple[float, ...]:
        """The base value of each owner, or that of the network."""
        return tuple(float(getattr(holder_of(owner, self.name), self.name)) for owner in self.owners) or (self.value,)

    @property
    def is_read_by_predictions(self) -> bool:
        """Whether a prediction may depend on it too: a layer that only trains is left out there."""
        return self.stage is not None and not (self.owners[0] is self.stage.layer and self.stage.plan.training_only)


@dataclass
class Knobs:
    """The settings of a network: `nncore.network.network.Network` writes them, its programs read them.

    A program compares `version` in every call, not in every step, and reads all settings if it has changed. Setting an attribute to another
    value changes it. After a change within a component, call `moved`.

    Attributes
    ----------
    version : ndarray of shape (2,), int64
        Raised by every change; and beside it, how often somebody was shown what is trained, and may have written to it.
    blueprint, grouping : Blueprint, Grouping or None
        None before the network is built.
    options : mapping
        The parameter groups, by patterns of tensor names.
    weight_decay, clip_norm, clip_value : float
        0 for none.
    seed : int
    transforms : tuple of Transform
        Of the fit under way.
    turn : Turn
        Taken by every thread that runs a program, or looks at or changes what is here.
    known : object or None
        What calls have found out of all this, to find it out once. It is gone as soon as something moves.
    """

    version: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
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
    turn: Turn = field(default_factory=Turn)
    known: Any = field(default=None, init=False, compare=False)

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if attributes.get(name, self) is not value:
            object.__setattr__(self, name, value)
            if "known" in attributes:  # else it is being made
                self.moved()

    def rules(self) -> list[Rule]:
        """The regularizers and constraints of trained tensors."""
        assert self.blueprint is not None, "the tensors of a planned network have rules"
        assert self.grouping is not None, "and are grouped"
        return rules_of(self.blueprint, self.options, self.grouping)

    def loss_for(self, training: bool) -> Loss | None:
        """The loss as a program computes it: to train, or to score the network."""
        return self.loss if training or self.loss is None else self.loss.for_evaluation()

    def moved(self) -> None:
        """Let every program take over what has changed before it runs again."""
        self.version[0] += 1
        object.__setattr__(self, "known", None)

    def keep(self, known: object) -> None:
        """Keep what was found out until something moves."""
        object.__setattr__(self, "known", known)

    def shown(self) -> None:
        """Parameters or state were handed out as live views: nothing that is known of them holds any more."""
        self.version[1] += 1

    def table(self) -> dict[str, Knob]:
        """Every number by its path: of layers, activations, regularizers, constraints, transforms, loss, optimizer and network.

        The path of a regularizer or a constraint begins with the tensor, whether a layer or a group has it. Several of one tensor are
        numbered from 0. Numbers of optimizers have their bare name and ``optimizer.<name>``, for all groups whose optimizer has one.
        ``weight_decay`` is the optimizer's own if it has one, else that of the network's penalty.
        """
        found: list[Knob] = []
        for stage in () if self.blueprint is None else self.blueprint.stages:
            found += _of(f"{stage.name}.", stage.layer, stage)
            if stage.activation is not None:
                found += _of(f"{stage.name}.activation.", stage.activation, stage)
        found += self._of_rules()
        for number, transform in enumerate(self.transforms):
            found += _of(f"transforms.{number}.", transform, number=number)
        found += [] if self.loss is None else _of("loss.", self.loss)
        knobs = {knob.path: knob for knob in found}
        knobs |= {name: Knob(name, name, float(getattr(self, name))) for name in ("weight_decay", *LIMITS)}
        for name, knob in self._of_optimizers().items():
            if name in LIMITS:
                knobs[f"optimizer.{name}"] = replace(knob, path=f"optimizer.{name}")
            else:
                knobs[name] = knobs[f"optimizer.{name}"] = knob
        return knobs

    def _of_rules(self) -> list[Knob]:
        """The numbers of regularizers and constraints."""
        rules = [] if self.blueprint is None or self.grouping is None else self.rules()
        n_alike = Counter((rule.tensor.name, rule.kind) for rule in rules)
        found: list[Knob] = []
        for number, rule in enumerate(rules):
            which = f"{rule.round}." if n_alike[rule.tensor.name, rule.kind] > 1 else ""
            found += _of(f"{rule.tensor.name}.{rule.kind}.{which}", rule.component, number=number)
        return found

    def _of_optimizers(self) -> dict[str, Knob]:
        """The numbers of the network's optimizer and of those of groups, by their names."""
        if self.optimizer is None:
            return {}
        groups = () if self.grouping is None else self.grouping.groups
        trained = [(number, group.of_group(group.optimizer or self.optimizer)) for number, group in enumerate(groups)]
        found: dict[str, Knob] = {}
        for number, own in trained or [(0, self.optimizer)]:
            for name, value in numbers_of_optimizer(own).items():
                known = found.get(name, Knob(name, name, numbers_of_optimizer(self.optimizer).get(name, value)))
                found[name] = replace(known, owners=(*known.owners, own), groups=(*known.groups, number))
        return found

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
        if path.startswith("transforms.") and not self.transforms:
            remedy = "it has no transforms, pass them to fit as well"
        raise ParameterError(f"this network has no number {path!r} that a schedule could change: {remedy}")


def holder_of(component: Configurable, name: str) -> Configurable:
    """The component itself, or the optimizer inside it that has the argument."""
    return component.holder(name) if isinstance(component, Optimizer) else component


def _of(prefix: str, component: Configurable, stage: Stage | None = None, number: int | None = None) -> list[Knob]:
    numbers = numbers_of(component).items()
    return [Knob(f"{prefix}{name}", name, value, (component,), stage=stage, number=number) for name, value in numbers]

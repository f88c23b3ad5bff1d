"""`Knobs`: the settings of a network that may change and that programs read, and its hyperparameters by path."""

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

#: Limits of gradients, which belong to the network itself; 0 is no limit.
LIMITS = ("clip_norm", "clip_value")


@dataclass(frozen=True)
class Knob:
    """A hyperparameter of a network that is read in training.

    Attributes
    ----------
    path : str
        Path: ``"lr"``, ``"loss.delta"``, ``"dropout_1.rate"``, ``"dense_1.weight.regularizer.strength"``, ``"transforms.0.std"``.
    name : str
        Name of the component's argument, or of the network's attribute.
    value : float
        Value without a schedule. For several optimizers, that of the network's own optimizer if it has one.
    owners : tuple of Configurable
        Components with this argument: a single one, or the optimizers of several groups. Empty for attributes of the network.
    groups : tuple of int
        For optimizers: the group that each of them trains.
    stage : Stage or None
        For a layer or its activation: its stage.
    number : int or None
        For a transform, its position in the list. For a regularizer or constraint, its position in `Knobs.rules`.
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
        """The value of each owner, or of the network, without a schedule."""
        return tuple(float(getattr(holder_of(owner, self.name), self.name)) for owner in self.owners) or (self.value,)

    @property
    def is_read_by_predictions(self) -> bool:
        """Whether predictions may depend on it too. Layers that act only in training are left out of predictions."""
        return self.stage is not None and not (self.owners[0] is self.stage.layer and self.stage.plan.training_only)


@dataclass
class Knobs:
    """The settings of a network: `nncore.network.network.Network` writes them, its programs read them.

    A program compares `version` in every call (not in every step), and reads all settings if it has changed. Setting an attribute to
    another value changes the version. After a change inside a component, call `moved`.

    Attributes
    ----------
    version : ndarray of shape (2,), int64
        Number of changes, and number of times that live views were handed out, to which users may write.
    blueprint, grouping : Blueprint, Grouping or None
        None before the network is built.
    options : mapping
        Parameter groups, by patterns of tensor names.
    weight_decay, clip_norm, clip_value : float
        0 for none.
    seed : int
    transforms : tuple of Transform
        Transforms of the running fit.
    turn : Turn
        Lock of every thread that runs a program, or reads or changes settings.
    known : object or None
        Cache of results that depend on settings. Any change clears it.
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
            if "known" in attributes:  # otherwise it is being constructed
                self.moved()

    def rules(self) -> list[Rule]:
        """The regularizers and constraints of trained tensors."""
        assert self.blueprint is not None, "the tensors of a planned network have rules"
        assert self.grouping is not None, "and are grouped"
        return rules_of(self.blueprint, self.options, self.grouping)

    def loss_for(self, training: bool) -> Loss | None:
        """The loss for a program that trains, or that evaluates the network."""
        return self.loss if training or self.loss is None else self.loss.for_evaluation()

    def moved(self) -> None:
        """Note a change, so that every program takes it over before its next run."""
        self.version[0] += 1
        object.__setattr__(self, "known", None)

    def keep(self, known: object) -> None:
        """Cache a result until the next change."""
        object.__setattr__(self, "known", known)

    def shown(self) -> None:
        """Note that live views of parameters or state were handed out, so cached facts about them are invalid."""
        self.version[1] += 1

    def table(self) -> dict[str, Knob]:
        """Every hyperparameter by path: of layers, activations, regularizers, constraints, transforms, loss, optimizer and network.

        The path of a regularizer or constraint begins with the tensor, also if it belongs to a group. Several of one tensor are numbered
        from 0. Hyperparameters of optimizers have the paths ``<name>`` and ``optimizer.<name>``, for all groups whose optimizer has them.
        ``weight_decay`` is the optimizer's if it has one, else that of the network's penalty.
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
        """Hyperparameters of regularizers and constraints."""
        rules = [] if self.blueprint is None or self.grouping is None else self.rules()
        n_alike = Counter((rule.tensor.name, rule.kind) for rule in rules)
        found: list[Knob] = []
        for number, rule in enumerate(rules):
            which = f"{rule.round}." if n_alike[rule.tensor.name, rule.kind] > 1 else ""
            found += _of(f"{rule.tensor.name}.{rule.kind}.{which}", rule.component, number=number)
        return found

    def _of_optimizers(self) -> dict[str, Knob]:
        """Hyperparameters of the network's optimizer and those of groups, by name."""
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
        """The hyperparameter of a path.

        Raises
        ------
        ParameterError
            If there is no such path.
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
    """The component itself, or the inner optimizer that has the argument."""
    return component.holder(name) if isinstance(component, Optimizer) else component


def _of(prefix: str, component: Configurable, stage: Stage | None = None, number: int | None = None) -> list[Knob]:
    numbers = numbers_of(component).items()
    return [Knob(f"{prefix}{name}", name, value, (component,), stage=stage, number=number) for name, value in numbers]

"""Rules: the regularizers and constraints of tensors, and the pieces of tensors that their compiled functions are called on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import SPLITS, Constraint, Kernel, Optimizer, Regularizer, Tensor, TensorSpan, native_kernel
from nncore.errors import ParameterError, PluginError
from nncore.program.groups import FROZEN, RULES, Grouping
from nncore.program.kernels import Needed, named, needed
from nncore.program.planning import Blueprint

#: Approximate number of elements of a tensor for one call of a compiled function: enough for a call, and few enough to be split over
#: threads.
PIECE = 4096
#: Columns are divided in multiples of this, so that no two threads write to the same cache line.
COLUMNS = 16


@dataclass
class Rule:
    """One regularizer or constraint of one tensor.

    Attributes
    ----------
    component : Regularizer or Constraint
    tensor : TensorSpan
    group : int
        Group of the tensor, whose learning rate a constraint uses; `FROZEN` if it uses none.
    round : int
        Position among the tensor's regularizers or constraints.
    """

    component: Regularizer | Constraint
    tensor: TensorSpan
    group: int
    round: int
    kernel: Kernel | None = field(init=False)
    capsule: object = field(init=False)
    hyper: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.component, Constraint):
            self.component.validate_tensor(self.tensor.rows, self.tensor.columns)
        self.kernel = native_kernel(self.component)
        self.capsule = None if self.kernel is None else self.kernel.load()
        self.hyper = np.array(self.component.hyper(), np.float64)

    def take_over(self, other: Rule) -> None:
        """Take over the numbers of a rule with the same structure."""
        self.component = other.component
        self.hyper[:] = other.component.hyper()

    @property
    def kind(self) -> str:
        """``"regularizer"`` or ``"constraint"``."""
        return "regularizer" if isinstance(self.component, Regularizer) else "constraint"

    @property
    def layer(self) -> int:
        return self.tensor.layer

    @property
    def structure(self) -> tuple[Any, ...]:
        """Properties on which a program with this rule depends."""
        component = self.component
        return type(component), component.split, len(component.hyper()), self.tensor, self.group, self.round

    def needed(self, dtype: np.dtype) -> list[Needed]:
        """Functions that the kernel's table must have."""
        return needed(self.kind, ["value", "add_gradient"] if self.kind == "regularizer" else ["project"], dtype)

    def who(self) -> str:
        """Name of the component for messages."""
        return named(RULES[self.kind], self.component)

    def view(self, vector: np.ndarray) -> np.ndarray:
        """The tensor in a flat vector, shape (rows, columns)."""
        span = self.tensor
        return vector[span.offset : span.offset + span.rows * span.columns].reshape(span.rows, span.columns)

    def pieces(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        """First row, rows, first column, columns, position in the flat vectors and stride of each piece; one piece for Python."""
        rows, columns, offset = self.tensor.rows, self.tensor.columns, self.tensor.offset
        split = "tensor" if self.kernel is None else self.component.split
        if split == "elements":
            for begin, n in _cuts(rows * columns, PIECE):
                yield 0, 1, begin, n, offset + begin, rows * columns
        elif split == "rows":
            for begin, n in _cuts(rows, max(1, PIECE // columns)):
                yield begin, n, 0, columns, offset + begin * columns, columns
        elif split == "columns":
            for begin, n in _cuts(columns, max(1, PIECE // rows // COLUMNS) * COLUMNS):
                yield 0, rows, begin, n, offset + begin, columns
        else:
            yield 0, rows, 0, columns, offset, columns


def _cuts(n: int, size: int) -> Iterator[tuple[int, int]]:
    """Begin and length of each part of n elements."""
    return ((begin, min(size, n - begin)) for begin in range(0, n, size))


@dataclass(frozen=True)
class Rounds:
    """The rules of one kind as pieces, round by round.

    Attributes
    ----------
    pieces : list of tuple
        Number of the rule, followed by the fields of `Rule.pieces`.
    ends : ndarray of shape (n_rounds,), int64
        End of each round among the pieces.
    """

    pieces: list[tuple[int, ...]]
    ends: np.ndarray


def rounds_of(kind: str, rules: Sequence[Rule]) -> Rounds:
    """The regularizers, or the constraints, among rules."""
    pieces: list[tuple[int, ...]] = []
    ends = []
    own = [(number, rule) for number, rule in enumerate(rules) if rule.kind == kind]
    for number_of_round in range(1 + max((rule.round for _, rule in own), default=-1)):
        pieces += [(number, *piece) for number, rule in own if rule.round == number_of_round for piece in rule.pieces()]
        ends.append(len(pieces))
    return Rounds(pieces, np.array(ends, np.int64))


def rules_of(blueprint: Blueprint, options: Mapping[str, Mapping[str, Any]], grouping: Grouping) -> list[Rule]:
    """The rules of each trained tensor: those of its layer, or, option by option, those of the groups.

    Parameters
    ----------
    blueprint : Blueprint
    options : mapping
        Options of the groups, by pattern.
    grouping : Grouping

    Raises
    ------
    ParameterError
        If a tied tensor has its own rules.
    PluginError
        If the `split` of a component is invalid.
    """
    if not options and not any(_asks(tensor) for stage in blueprint.stages for tensor in stage.plan.tensors):
        return []
    members = {tensor.name: member for tensor, member in zip(grouping.tensors, grouping.members, strict=True)}
    asked = {f"{stage.name}.{tensor.name}": tensor for stage in blueprint.stages for tensor in stage.plan.tensors}
    for stage in blueprint.stages:
        for tensor in stage.plan.tensors:
            if tensor.tied_to is not None and _asks(tensor):
                raise ParameterError(
                    f"{stage.name}.{tensor.name} has a regularizer or a constraint, and is tied to {tensor.tied_to}: "
                    "give it to the layer that has the tensor"
                )
    rules = []
    for span in blueprint.spans:
        if span.name in grouping.frozen:
            continue
        for option, kind in RULES.items():
            given = getattr(asked[span.name], option)
            for pattern, chosen in options.items():
                if option in chosen and fnmatchcase(span.name, pattern):
                    given = chosen[option]
            for place, spec in enumerate(given if isinstance(given, (list, tuple)) else [] if given is None else [given]):
                component = registry.resolve(kind, spec)
                if component.split not in SPLITS:
                    raise PluginError(f"{named(kind, component)}: split is {component.split!r}; it must be one of {', '.join(SPLITS)}")
                uses_rate = isinstance(component, Constraint) and component.needs_rate
                if grouping.groups[members[span.name]].lazy and (uses_rate or isinstance(component, Regularizer)):
                    raise ParameterError(
                        f"groups: {span.name} has lazy=True, and {component!r} changes all of its rows in every step: leave one of the two "
                        f"out; {{{option!r}: None}} in its group removes the layer's own"
                    )
                rules.append(Rule(component, span, members[span.name] if uses_rate else FROZEN, place))
    return rules


def _asks(tensor: Tensor) -> bool:
    """Whether the tensor's layer defines rules for it."""
    return tensor.regularizer is not None or tensor.constraint is not None


def same_rules(one: Sequence[Rule], other: Sequence[Rule]) -> bool:
    """Whether programs for one can run with the other, regardless of hyperparameters."""
    return [rule.structure for rule in one] == [rule.structure for rule in other]


def check_rules(rules: Sequence[Rule], grouping: Grouping, optimizer: Optimizer) -> None:
    """Raise `ParameterError` if a constraint uses a learning rate that the optimizer of its tensor does not have."""
    own = grouping.optimizers(optimizer)
    for rule in rules:
        if rule.group != FROZEN and "lr" not in own[rule.group].settings():
            raise ParameterError(
                f"{rule.component!r} of {rule.tensor.name} uses the learning rate, and {own[rule.group]!r} has no lr: use another "
                "optimizer, such as SGD, or a regularizer instead"
            )


def project(rules: Sequence[Rule], parameters: np.ndarray) -> None:
    """Apply the constraints of each tensor to initial values, one after the other.

    Raises
    ------
    PluginError
        If a projection returns numbers that are not finite.
    """
    for rule in rules:
        if isinstance(rule.component, Constraint):
            view = rule.view(parameters)
            rule.component.project(view, 0.0)
            if not np.isfinite(view).all():
                raise PluginError(f"{rule.who()}: project of {rule.tensor.name} gives numbers that are not finite for its first values")


def value_of(regularizer: Regularizer, w: np.ndarray) -> float:
    """The value that a regularizer adds to the loss; raises an error if it is not a number."""
    value = regularizer.value(w)
    if isinstance(value, (int, float, np.number)) or np.shape(value) == ():
        return float(value)
    raise PluginError(f"{regularizer!r}.value must return a number, it returned an array of shape {np.shape(value)}")

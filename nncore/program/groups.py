"""Parameter groups: tensors, chosen by their names, that are trained in a way of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from nncore.arguments import is_number
from nncore.contract import Optimizer, TensorSpan
from nncore.errors import ParameterError

#: The group of tensors that are not trained.
FROZEN = -1

#: What a group may say: the option, what it must be, and the test.
_OPTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "lr_factor": ("a number of at least 0", lambda v: is_number(v) and 0 <= v < math.inf),
    "weight_decay": ("a number of at least 0", lambda v: is_number(v) and 0 <= v < math.inf),
    "frozen": ("True or False", lambda v: isinstance(v, (bool, np.bool_))),
}


@dataclass(frozen=True)
class Group:
    """One way of training.

    Attributes
    ----------
    lr_factor : float
        Of the optimizer's learning rate.
    weight_decay : float or None
        Instead of the optimizer's own weight decay if it has one (`AdamW`), else of the network's penalty; None leaves both.
    frozen : bool
        Not trained at all.
    """

    lr_factor: float = 1.0
    weight_decay: float | None = None
    frozen: bool = False

    def changed(self, optimizer: Optimizer) -> dict[str, Any]:
        """Hyperparameters of `optimizer` that are others in this group."""
        config = optimizer.config()
        changes: dict[str, Any] = {} if self.lr_factor == 1 else {"lr": config["lr"] * self.lr_factor}
        if self.weight_decay is not None and "weight_decay" in config:
            changes["weight_decay"] = self.weight_decay
        return changes


@dataclass(frozen=True)
class Grouping:
    """How every tensor of a network is trained.

    Attributes
    ----------
    groups : tuple of Group
        Those that are trained; without any choice, one.
    tensors : tuple of TensorSpan
        Group after group, the frozen ones last; within a group in the order of the flat vectors.
    members : tuple of int
        Group of each of these tensors, or `FROZEN`.
    """

    groups: tuple[Group, ...]
    tensors: tuple[TensorSpan, ...]
    members: tuple[int, ...]
    frozen: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = (tensor.name for tensor, group in zip(self.tensors, self.members, strict=True) if group == FROZEN)
        object.__setattr__(self, "frozen", frozenset(names))

    def tensors_of(self, group: int) -> tuple[TensorSpan, ...]:
        """The tensors of one group."""
        return tuple(tensor for tensor, member in zip(self.tensors, self.members, strict=True) if member == group)

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """Begin, end and group of every stretch of the flat vectors that is trained alike, in their order."""
        by_place = sorted(zip(self.tensors, self.members, strict=True), key=lambda pair: pair[0].offset)
        begin = end = group = 0
        for tensor, member in by_place:
            if member != group and end > begin:
                yield begin, end, group
                begin = end
            group, end = member, tensor.offset + tensor.rows * tensor.columns
        if end > begin:
            yield begin, end, group

    def hyper(self, optimizer: Optimizer) -> np.ndarray:
        """The optimizer's numbers for compiled code, shape ``(n_groups, n_hyper)``."""
        config = optimizer.config()
        changes = [group.changed(optimizer) for group in self.groups]
        rows = [type(optimizer)(**config | changed).hyper() if changed else optimizer.hyper() for changed in changes]
        return np.array(rows, np.float64).reshape(len(rows), -1)

    def penalties(self, weight_decay: float, optimizer: Optimizer | None) -> np.ndarray:
        """λ of each tensor's penalty ½·λ·ΣW², in the order of `tensors`: the network's for weights, unless a group has its own."""
        decays_itself = optimizer is not None and "weight_decay" in optimizer.config()
        decays = np.zeros(len(self.tensors))
        for i, (tensor, member) in enumerate(zip(self.tensors, self.members, strict=True)):
            own = None if member == FROZEN or decays_itself else self.groups[member].weight_decay
            if member != FROZEN:
                decays[i] = own if own is not None else weight_decay if tensor.role == "weight" else 0.0
        return decays


def check_groups(groups: object) -> dict[str, dict[str, Any]]:
    """Patterns and their options, as users write them, checked as far as that goes without a network."""
    if not isinstance(groups, Mapping):
        raise ParameterError(f'groups must be a dict like {{"*.bias": {{"lr_factor": 0.1}}}}, got {groups!r}')
    for pattern, options in groups.items():
        if not isinstance(pattern, str) or not isinstance(options, Mapping):
            raise ParameterError(f"groups maps a pattern of tensor names to a dict of options, got {pattern!r}: {options!r}")
        for option, value in options.items():
            if option not in _OPTIONS:
                raise ParameterError(f"groups[{pattern!r}] has no option {option!r}; there are {', '.join(_OPTIONS)}")
            wanted, is_valid = _OPTIONS[option]
            if not is_valid(value):
                raise ParameterError(f"groups[{pattern!r}][{option!r}] must be {wanted}, got {value!r}")
    return {pattern: dict(options) for pattern, options in groups.items()}


def group_tensors(groups: Mapping[str, Mapping[str, Any]], spans: Sequence[TensorSpan]) -> Grouping:
    """Sort the tensors of a network into groups.

    Parameters
    ----------
    groups : mapping of str to mapping
        Options by pattern, as in a shell: ``*``, ``?``, ``[abc]``. Where several patterns match a tensor, later ones win, option by
        option.
    spans : sequence of TensorSpan

    Raises
    ------
    ParameterError
        If a pattern matches nothing, or everything is frozen.
    """
    for pattern in groups:
        if not any(fnmatchcase(span.name, pattern) for span in spans):
            raise ParameterError(f"groups: no tensor is called {pattern!r}; there are {', '.join(span.name for span in spans)}")
    found: dict[Group, list[TensorSpan]] = {}
    frozen: list[TensorSpan] = []
    for span in spans:
        options: dict[str, Any] = {}
        for pattern, given in groups.items():
            if fnmatchcase(span.name, pattern):
                options |= given
        group = Group(**options)
        (frozen if group.frozen else found.setdefault(group, [])).append(span)
    if spans and not found:
        raise ParameterError("groups freezes every tensor, so that nothing would be trained")
    tensors = [tensor for members in found.values() for tensor in members]
    numbers = [number for number, members in enumerate(found.values()) for _ in members]
    return Grouping(tuple(found), (*tensors, *frozen), (*numbers, *(FROZEN for _ in frozen)))

"""Parameter groups: training options of tensors, chosen by patterns of their names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, NoReturn

import numpy as np

from nncore import registry
from nncore.arguments import as_number, is_number, listed, plain, shown
from nncore.contract import Optimizer, TensorSpan, with_settings, wrappers_of
from nncore.errors import NNCoreError, ParameterError
from nncore.program.planning import Blueprint

#: The group of tensors that are not trained.
FROZEN = -1


def _is_at_least_0(value: Any) -> bool:
    found = as_number(value)
    return found is not None and 0 <= found < math.inf


#: Options of a group, in addition to numbers of its optimizer: the name, the valid values, and a test.
_OPTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "lr_factor": ("a number of at least 0", _is_at_least_0),
    "weight_decay": ("a number of at least 0", _is_at_least_0),
    "frozen": ("True or False", lambda v: isinstance(v, bool)),
    "lazy": ("True or False", lambda v: isinstance(v, bool)),
    "optimizer": ("an optimizer", lambda v: isinstance(v, Optimizer)),
}


#: Options with components, one or a list, and their kinds. They replace those of the layer; None removes them.
RULES = {"regularizer": "regularizers", "constraint": "constraints"}


@dataclass(frozen=True)
class Group:
    """Training options of some tensors.

    Attributes
    ----------
    lr_factor : float
        Factor of the optimizer's learning rate.
    weight_decay : float or None
        Replaces the optimizer's own weight decay if it has one (`AdamW`), else the network's penalty. None changes neither.
    frozen : bool
        Whether the tensors are not trained.
    lazy : bool
        Whether rows of its tensors with zero gradients keep their parameters and optimizer state.
    optimizer : Optimizer or None
        Replaces the network's optimizer.
    numbers : dict of str to float
        Hyperparameters that replace the optimizer's.
    """

    lr_factor: float = 1.0
    weight_decay: float | None = None
    frozen: bool = False
    lazy: bool = False
    optimizer: Optimizer | None = None
    numbers: dict[str, float] = field(default_factory=dict)

    def changed(self, optimizer: Optimizer) -> dict[str, Any]:
        """Hyperparameters of this group that differ from those of `optimizer`."""
        settings = optimizer.settings()
        changes: dict[str, Any] = dict(self.numbers)
        if self.lr_factor != 1:
            changes["lr"] = changes.get("lr", settings["lr"]) * self.lr_factor
        if self.weight_decay is not None and "weight_decay" in settings:
            changes["weight_decay"] = self.weight_decay
        return changes

    def check(self, optimizer: Optimizer, tensor: str) -> None:
        """Raise `ParameterError` if `optimizer` does not accept the numbers of this group. `tensor` is one of its tensors, for the
        message."""
        settings = optimizer.settings()
        numbers = [name for name, value in settings.items() if is_number(value)]
        for name in self.numbers:
            if name not in numbers:
                raise ParameterError(
                    f"groups: {tensor} is trained by {optimizer!r}, which has no number {name!r}; valid options are "
                    f"{', '.join([*_OPTIONS, *(n for n in numbers if n not in _OPTIONS)])}. To change anything else, give the group an "
                    "optimizer: {'optimizer': {'name': ..., arguments}}"
                )
        if "lr" not in settings and self.lr_factor != 1:
            raise ParameterError(f"{optimizer!r} has no lr that a group could change")
        if self.lazy:
            _check_steps_by_rows(optimizer, tensor)
        try:
            self.of_group(optimizer)
        except ParameterError as error:
            raise ParameterError(f"groups, for {tensor}: {error}") from error

    def of_group(self, optimizer: Optimizer) -> Optimizer:
        """`optimizer` with the hyperparameters of this group: itself, or a copy."""
        return with_settings(optimizer, self.changed(optimizer))


def _check_steps_by_rows(optimizer: Optimizer, tensor: str) -> None:
    """Raise `ParameterError` for an optimizer that cannot skip rows of a tensor."""
    around, inner = wrappers_of(optimizer)
    why = None
    if around:
        why = "acts on all parameters around each step"
    elif inner.needs_tensors:
        why = "computes a step from whole tensors"
    elif inner.n_passes > 1:
        why = "computes two gradients in each step"
    elif inner.has_evaluation:
        why = "predicts with an average of all steps"
    if why is not None:
        raise ParameterError(
            f"groups: {tensor} has lazy=True, but {optimizer!r} {why}, so it cannot skip rows that a batch does not touch: "
            "give the group another optimizer, like {'optimizer': 'adam'}, or leave lazy out"
        )


class Stretch(NamedTuple):
    """Parameters ``begin:end`` of the flat vectors, which belong to one group."""

    begin: int
    end: int
    group: int
    place: int  # position of `begin` among the parameters of the group


@dataclass(frozen=True)
class Grouping:
    """The groups of a network, and the group of each tensor.

    Attributes
    ----------
    groups : tuple of Group
        Trained groups; one if the user has defined none.
    tensors : tuple of TensorSpan
        Tensors by group, frozen ones last. In a group they have the order of the flat vectors.
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

    def stretches(self) -> Iterator[Stretch]:
        """Every stretch of the flat vectors that belongs to one group, in order."""
        by_place = sorted(zip(self.tensors, self.members, strict=True), key=lambda pair: pair[0].offset)
        filled: dict[int, int] = {}
        begin = end = group = 0

        def ended() -> Stretch:
            place = filled.get(group, 0)
            filled[group] = place + end - begin
            return Stretch(begin, end, group, place)

        for tensor, member in by_place:
            if member != group and end > begin:
                yield ended()
                begin = end
            group, end = member, tensor.offset + tensor.size
        if end > begin:
            yield ended()

    def optimizers(self, optimizer: Optimizer) -> tuple[Optimizer, ...]:
        """The optimizer of each group as the user passed it, without the hyperparameters of the group. `optimizer` is the network's."""
        return tuple(group.optimizer or optimizer for group in self.groups)

    def optimizers_by_tensor(self, optimizer: Optimizer) -> dict[str, Optimizer]:
        """The optimizer of each trained tensor, by name."""
        own = self.optimizers(optimizer)
        return {tensor.name: own[member] for tensor, member in zip(self.tensors, self.members, strict=True) if member != FROZEN}

    def hyper(self, optimizer: Optimizer) -> np.ndarray:
        """The optimizers' hyperparameters for compiled code, shape ``(n_groups, n_hyper)``, padded with zeros."""
        own = self.optimizers(optimizer)
        rows = [group.of_group(its).hyper() for group, its in zip(self.groups, own, strict=True)]
        numbers = np.zeros((len(rows), max(map(len, rows), default=0)))
        for line, row in zip(numbers, rows, strict=True):
            line[: len(row)] = row
        return numbers

    def check(self, optimizer: Optimizer | None) -> None:
        """Raise `ParameterError` if a group sets a hyperparameter that its optimizer does not have, or a value that it does not accept.

        Without an `optimizer` of the network, groups without their own are not checked.
        """
        for number, group in enumerate(self.groups):
            own = group.optimizer or optimizer
            if own is not None:
                group.check(own, self.tensors_of(number)[0].name)

    def check_lazy(self, weight_decay: float, optimizer: Optimizer | None) -> None:
        """Raise `ParameterError` if a penalty gives gradients to all rows of tensors that are trained with `lazy`."""
        penalties = self.penalties(weight_decay, optimizer)
        for tensor, member, penalty in zip(self.tensors, self.members, penalties, strict=True):
            if member != FROZEN and penalty and self.groups[member].lazy:
                raise ParameterError(
                    f"groups: {tensor.name} has lazy=True, but weight_decay={penalty:g} gives each of its rows a gradient in every step: "
                    "add 'weight_decay': 0 to its group, or leave lazy out"
                )

    def placed(self) -> dict[str, tuple[TensorSpan, int, int]]:
        """Each tensor by name, with its group and its position among the parameters of the group."""
        filled: Counter[int] = Counter()
        found = {}
        for tensor, member in zip(self.tensors, self.members, strict=True):
            found[tensor.name] = tensor, member, filled[member]
            filled[member] += tensor.size
        return found

    def penalties(self, weight_decay: float, optimizer: Optimizer | None) -> np.ndarray:
        """λ of each tensor's penalty ½·λ·ΣW², in the order of `tensors`: the network's for weights, unless a group has its own."""
        decays = np.zeros(len(self.tensors))
        for i, (tensor, member) in enumerate(zip(self.tensors, self.members, strict=True)):
            if member == FROZEN:
                continue
            group = self.groups[member]
            its = group.optimizer or optimizer
            decays_itself = its is not None and "weight_decay" in its.settings()
            own = None if decays_itself else group.weight_decay
            decays[i] = own if own is not None else weight_decay if tensor.role == "weight" else 0.0
        return decays


def check_groups(groups: object) -> dict[str, dict[str, Any]]:
    """Check users' patterns and options, as far as possible without a network. Optimizers become instances."""
    if not isinstance(groups, Mapping):
        raise ParameterError(f'groups must be a dict like {{"*.bias": {{"lr_factor": 0.1}}}}, got {shown(groups)}')
    for pattern, options in groups.items():
        if not isinstance(pattern, str) or not isinstance(options, Mapping):
            raise ParameterError(f"groups maps a pattern of tensor names to a dict of options, got {shown(pattern)}: {shown(options)}")
    return {pattern: _checked(pattern, options) for pattern, options in groups.items()}


def _checked(pattern: str, options: Mapping[str, Any]) -> dict[str, Any]:
    given = {option: plain(value) for option, value in options.items()}
    if "optimizer" in given:
        given["optimizer"] = registry.resolve("optimizers", given["optimizer"])
    for option, value in given.items():
        if option in RULES:
            given[option] = _resolved(RULES[option], value, f"groups[{pattern!r}][{option!r}]")
            continue
        if option not in _OPTIONS and not is_number(value):
            raise ParameterError(
                f"groups[{pattern!r}] has no option {option!r}; there are {', '.join([*_OPTIONS, *RULES])}, and the numbers of the "
                "group's optimizer"
            )
        wanted, is_valid = _OPTIONS.get(option, ("a number", lambda v: as_number(v) is not None))
        if not is_valid(value):
            raise ParameterError(f"groups[{pattern!r}][{option!r}] must be {wanted}, got {shown(value)}")
    return given


def _resolved(kind: str, value: Any, where: str) -> Any:
    """Make a regularizer or a constraint, a list of them, or None from what users pass."""
    try:
        if isinstance(value, (list, tuple)):
            return [registry.resolve(kind, item) for item in value] or None
        return None if value is None else registry.resolve(kind, value)
    except NNCoreError as error:
        error.add_note(f"It is {where}.")
        raise


def group_tensors(groups: Mapping[str, Mapping[str, Any]], blueprint: Blueprint) -> Grouping:
    """Sort the tensors of a network into groups.

    Parameters
    ----------
    groups : mapping of str to mapping
        Options by pattern, as in a shell: ``*``, ``?``, ``[abc]``. Where several patterns match a tensor, later ones win, option by
        option.
    blueprint : Blueprint
        Blueprint of the network.

    Raises
    ------
    ParameterError
        If a pattern matches nothing, everything is frozen, or a regularizer or constraint applies only to frozen tensors.
    """
    spans = blueprint.spans
    if not groups:
        return Grouping((Group(),) if spans else (), spans, (0,) * len(spans))
    for pattern in groups:
        matching(pattern, blueprint)
    found: dict[object, tuple[Group, list[TensorSpan]]] = {}
    frozen: list[TensorSpan] = []
    for span in spans:
        options = options_of(groups, span.name)
        if options.get("frozen"):
            frozen.append(span)
            continue
        if options.get("lazy"):
            _check_is_sparse(span, blueprint)
        options = {name: value for name, value in options.items() if name not in RULES}
        # Optimizers are compared by identity: each has its own state.
        key = tuple(sorted((name, id(value) if name == "optimizer" else value) for name, value in options.items()))
        if key not in found:
            own = {name: value for name, value in options.items() if name in _OPTIONS}
            found[key] = Group(**own, numbers={name: value for name, value in options.items() if name not in _OPTIONS}), []
        found[key][1].append(span)
    if spans and not found:
        raise ParameterError("groups freezes every tensor: leave at least one to train")
    _check_rules_are_obeyed(groups, spans, {span.name for span in frozen})
    members = list(found.values())
    tensors = [tensor for _, its in members for tensor in its]
    numbers = [number for number, (_, its) in enumerate(members) for _ in its]
    return Grouping(tuple(group for group, _ in members), (*tensors, *frozen), (*numbers, *(FROZEN for _ in frozen)))


def _check_is_sparse(span: TensorSpan, blueprint: Blueprint) -> None:
    """Raise `ParameterError` for a tensor without sparse gradients, as its layer declares them."""
    known = blueprint.sparse_tensors - set(blueprint.ties.values())
    if span.name not in known:
        remedy = f"write a pattern that matches {listed(sorted(known))} alone" if known else "leave it out, as this network has none"
        raise ParameterError(
            "groups: lazy is for tables of which a batch touches some rows, such as those of an Embedding or of a sparse X, and "
            f"{span.name} is not one"
            f"{', as it is tied' if span.name in blueprint.sparse_tensors else ''}: {remedy}"
        )


def matching(pattern: str, blueprint: Blueprint) -> list[str]:
    """The tensors of a network that a group's pattern matches.

    Raises
    ------
    ParameterError
        If no tensor matches, or a tied tensor matches and the tensor that it shares does not.
    """
    matched = [span.name for span in blueprint.spans if fnmatchcase(span.name, pattern)]
    if not matched:
        _no_tensor(pattern, blueprint)
    _check_ties(pattern, matched, blueprint)
    return matched


def options_of(groups: Mapping[str, Mapping[str, Any]], tensor: str) -> dict[str, Any]:
    """The options of a tensor; later groups win, option by option."""
    options: dict[str, Any] = {}
    for pattern, given in groups.items():
        if fnmatchcase(tensor, pattern):
            options |= given
    return options


def _no_tensor(pattern: str, blueprint: Blueprint) -> NoReturn:
    """Raise an error for a pattern that matches no tensor, or only tied ones."""
    tied = {name: source for name, source in blueprint.ties.items() if fnmatchcase(name, pattern)}
    if tied:
        which = ", ".join(f"{name} is tied to {source}" for name, source in tied.items())
        instead = " or ".join(map(repr, dict.fromkeys(tied.values())))
        raise ParameterError(
            f"groups: {pattern!r} matches only tied tensors ({which}), which are trained with the tensor that they share: write {instead}"
        )
    raise ParameterError(f"groups: no tensor is called {pattern!r}; there are {', '.join(span.name for span in blueprint.spans)}")


def _check_ties(pattern: str, matched: Sequence[str], blueprint: Blueprint) -> None:
    """Raise an error for a pattern that matches a tied tensor and not the one that it shares: it would apply only to its other tensors."""
    left_out = {name: source for name, source in blueprint.ties.items() if fnmatchcase(name, pattern) and source not in matched}
    if left_out:
        which = ", ".join(f"{name} is tied to {source}" for name, source in left_out.items())
        own = listed(list(map(repr, matched)))
        raise ParameterError(
            f"groups: {pattern!r} matches {own}, and a tied tensor ({which}), which is trained with what it shares: write {own} for the "
            f"layer's own, and {' or '.join(map(repr, dict.fromkeys(left_out.values())))} for what is shared"
        )


def _check_rules_are_obeyed(groups: Mapping[str, Mapping[str, Any]], spans: Sequence[TensorSpan], frozen: Collection[str]) -> None:
    """Raise `ParameterError` if a pattern with regularizers or constraints matches only frozen tensors."""
    for pattern, options in groups.items():
        asked = [option for option in RULES if options.get(option) is not None]
        if asked and all(span.name in frozen for span in spans if fnmatchcase(span.name, pattern)):
            raise ParameterError(
                f"groups[{pattern!r}] has a {asked[0]}, but every tensor that it matches is frozen: leave one of the two out, or choose "
                "other tensors"
            )

"""Tied tensors: a layer uses a tensor of an earlier layer, unchanged or transposed. Ties are resolved and checked before planning goes
on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from nncore.contract import Layer, Plan, Tensor
from nncore.errors import ParameterError, ShapeError
from nncore.program.specification import Stage


@dataclass
class Sources:
    """Layers that others may be tied to: those with a name given by the user. Numbers in automatic names change with the layers before
    them.

    Attributes
    ----------
    stages : dict of str to Stage
        The layers planned so far, by full name.
    given : set of str
        Full names of all layers named by the user, including layers with branches that are not planned yet.
    """

    stages: dict[str, Stage] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)

    def find(self, wanted: str, name: str) -> Stage | None:
        """Find the layer called `wanted`: first among the siblings of `name`, then further out."""
        around, parts = name.split(".")[:-1], wanted.split(".")
        for depth in range(len(around), -1, -1):
            path = [*around[:depth], *parts]
            stage = self.stages.get(".".join(path))
            if stage is not None and all(".".join(path[:n]) in self.given for n in range(depth + 1, len(path))):
                return stage
        return None


def tied_plan(layer: Layer, name: str, plan: Plan, sources: Sources) -> Plan:
    """Add the ties of a layer to its plan, by the full names of the shared tensors.

    Parameters
    ----------
    layer : Layer
    name : str
        Full name in the network, with the names of enclosing layers: ``"concat_1.left"``.
    plan : Plan
        A valid plan.
    sources : Sources
        The layers before this one.

    Raises
    ------
    ParameterError
        If there is no such layer or tensor, or the name is ambiguous.
    ShapeError
        If the shapes do not match.
    """
    if any(tensor.tied_to is not None for tensor in plan.tensors):
        plan = replace(plan, tensors=tuple(_of_plan(tensor, name, sources) for tensor in plan.tensors))
    if layer.tied_to is None:
        if layer.transposed is not None:
            raise ParameterError(f"{name}: transposed={layer.transposed} has no effect without tied_to: pass tied_to= too")
        return plan
    return replace(plan, tensors=_of_argument(layer.tied_to, layer.transposed, layer, name, plan, sources))


def _of_argument(tied_to: str, transposed: bool | None, layer: Layer, name: str, plan: Plan, sources: Sources) -> tuple[Tensor, ...]:
    """The tensors of a layer with the argument `tied_to`."""
    source, of_source = _meant(tied_to, layer, name, plan, sources)
    pairs = {tensor.name: (tensor, of_source[tensor.name]) for tensor in plan.tensors if tensor.name in of_source}
    if not pairs:
        has = ", ".join(tensor.name for tensor in plan.tensors)
        raise ParameterError(f"{name}: tied_to={tied_to!r}, but that has no tensor called {has}: name one, tied_to='{tied_to}.<tensor>'")
    if transposed is None:
        transposed = _is_transposed(name, tied_to, pairs)
    shared = {key for key, (own, _) in pairs.items() if not transposed or _is_matrix(own)}
    if not shared:
        raise ParameterError(f"{name}: transposed=True needs a weight with rows and columns, and there is none in common with {tied_to!r}")
    return tuple(
        _stands_for(replace(tensor, transposed=transposed and _is_matrix(tensor)), name, source, pairs[tensor.name][1])
        if tensor.name in shared
        else tensor
        for tensor in plan.tensors
    )


def _meant(tied_to: str, layer: Layer, name: str, plan: Plan, sources: Sources) -> tuple[Stage, dict[str, Tensor]]:
    """The layer that `tied_to` names, directly or by a tensor; and its tensors, by the names of the tensors of `plan` that may share
    them."""
    if plan.branches or not plan.tensors:
        has_some = "its layers have: tie those" if plan.branches else "leave tied_to out"
        raise ParameterError(f"{name}: {type(layer).__name__} has no tensors of its own to tie to {tied_to!r}; {has_some}")
    if (source := sources.find(tied_to, name)) is not None:
        return source, {tensor.name: tensor for tensor in source.plan.tensors}
    begin, _, wanted = tied_to.rpartition(".")
    source = sources.find(begin, name) if begin else None
    if source is None:
        _unknown(name, tied_to, sources)
    other = _tensor_of(source, wanted, name)
    if any(tensor.name == wanted for tensor in plan.tensors):
        return source, {wanted: other}
    alike = [tensor.name for tensor in plan.tensors if tensor.role == other.role]  # an Embedding and a Dense name tensors differently
    if len(alike) != 1:
        raise ParameterError(f"{name}: tied_to={tied_to!r} could stand for {' or '.join(alike) or 'none of its tensors'}")
    return source, {alike[0]: other}


def _is_transposed(name: str, tied_to: str, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> bool:
    """Infer from the shapes whether tensors are transposed."""
    same = all(own.shape == other.shape for own, other in pairs.values())
    matrices = [(own.shape, other.shape) for own, other in pairs.values() if _is_matrix(own)]
    turned = bool(matrices) and all(shape == other[::-1] for shape, other in matrices)
    if same and turned:
        raise ParameterError(f"{name}: tied_to={tied_to!r} can mean two things, as the weight is square: pass transposed=True or False")
    return turned


def _is_matrix(tensor: Tensor) -> bool:
    return tensor.role == "weight" and len(tensor.shape) == 2


def _of_plan(tensor: Tensor, name: str, sources: Sources) -> Tensor:
    """A tensor as its layer plans it. A tied one gets the full name of its source."""
    if tensor.tied_to is None:
        return tensor
    begin, _, wanted = tensor.tied_to.rpartition(".")
    source = sources.find(begin, name)
    if source is None:
        _unknown(name, begin, sources)
    return _stands_for(tensor, name, source, _tensor_of(source, wanted, name))


def _stands_for(tensor: Tensor, name: str, source: Stage, other: Tensor) -> Tensor:
    """Tie the tensor to another one, if that is possible."""
    full = f"{source.name}.{other.name}"
    if other.tied_to is not None:
        raise ParameterError(
            f"{name}: {tensor.name} is tied to {full}, which is itself tied to {other.tied_to}: tie both to {other.tied_to}"
        )
    shape = other.shape[::-1] if tensor.transposed else other.shape
    if tensor.shape != shape:
        how = "the transpose of " if tensor.transposed else ""
        raise ShapeError(
            f"{name}: {tensor.name} has shape {tensor.shape} and cannot be {how}{full} of shape {other.shape}: "
            "choose sizes that agree, or tie another tensor"
        )
    return replace(tensor, tied_to=full)


def _unknown(name: str, wanted: str, sources: Sources) -> NoReturn:
    known = ", ".join(sources.stages) or "there is none"
    raise ParameterError(
        f"{name}: tied_to={wanted!r} is no layer before it that was given a name ({known}): give the layer whose tensor is shared a "
        f"name={wanted.split('.')[0]!r} and let it come first; to have tensors of its own again, set tied_to=None"
    )


def _tensor_of(source: Stage, wanted: str, name: str) -> Tensor:
    for tensor in source.plan.tensors:
        if tensor.name == wanted:
            return tensor
    has = ", ".join(tensor.name for tensor in source.plan.tensors) or "none of its own"
    raise ParameterError(f"{name}: {source.name} has no tensor called {wanted!r} to tie to; it has {has}")

"""Copy weights of a network, or arrays by name, into another network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore.arguments import flag, listed, several, shown
from nncore.errors import ParameterError
from nncore.network.freezing import as_pattern
from nncore.network.turns import check_not_fitted

if TYPE_CHECKING:
    from nncore.network.network import Network


def copied_weights(network: Network, source: Any, names: str | Iterable[str] | Mapping[str, str] | None, strict: bool) -> list[str]:
    """Do what `nncore.Sequential.copy_weights` says, for a method that has the turn."""
    flag("strict", strict)
    own = network.named_parameters() | network.named_buffers()
    given = _tensors_of(source)
    pairs = _pairs(own, network.layer_names, given, names)
    faults: list[str] = []
    found: dict[str, np.ndarray] = {}
    for name, theirs in pairs.items():
        if theirs not in given:
            faults.append(f"{name}: the source has no {theirs!r}")
            continue
        values, fault = _fitting(given[theirs], own[name])
        if fault:
            faults.append(f"{name}: {theirs!r} {fault}" if theirs != name else f"{name} {fault}")
        else:
            found[name] = values
    if names is None:
        faults += [f"the source has {name!r}, which is not here" for name in given if name not in own]
    if faults and (strict or not found):
        remedy = (
            "choose tensors by names=, or pass strict=False to copy those that fit"
            if found
            else f"names here are {listed([*own])}, there {listed([*given])}: pass names={{here: there}}"
        )
        raise ParameterError(f"these weights do not fit: {listed(faults)}. To go on, {remedy}")
    begins_anew = network.has_evaluation and network.n_steps > 0
    if begins_anew:
        check_not_fitted(network, "copy_weights with an optimizer that holds parameters")
    for name, values in found.items():
        own[name][...] = values
    for vector, put in ((network.trajectory, True), (network.average_rest, False)):
        if vector is not None:
            views = network._built.parameter_views(vector)
            for name in found.keys() & views.keys():
                views[name][...] = found[name] if put else 0
    if begins_anew:
        network.reset_optimizer()
    return list(found)


def _tensors_of(source: Any) -> dict[str, Any]:
    """Copies of the tensors of a network, which may be the one that they are for; or arrays by name."""
    if hasattr(source, "named_parameters") and hasattr(source, "named_buffers"):
        views = source.named_parameters() | source.named_buffers()
        return {name: view.copy() for name, view in views.items()}
    if isinstance(source, Mapping) and all(isinstance(name, str) for name in source):
        return dict(source)
    raise ParameterError(f"source must be a network or a mapping of names to arrays, got {shown(source)}")


def _pairs(own: Mapping[str, Any], layers: list[str], given: Mapping[str, Any], names: Any) -> dict[str, str]:
    """The name in the source of each tensor that is to be copied, by its name here."""
    if names is None:
        return {name: name for name in own}
    if isinstance(names, Mapping):
        return {here: there for one, other in names.items() for here, there in _mapped(one, other, own).items()}
    chosen = [names] if isinstance(names, str) else several("names", names)
    pairs: dict[str, str] = {}
    for pattern in (as_pattern(name, layers) for name in chosen):
        matched = [name for name in own if fnmatchcase(name, pattern)]
        if not matched:
            raise ParameterError(f"names: no tensor is called {pattern!r}; there are {', '.join(own)}")
        pairs |= {name: name for name in matched}
    return pairs


def _mapped(one: Any, other: Any, own: Mapping[str, Any]) -> dict[str, str]:
    """One entry of a mapping of names, of two tensors or of two layers."""
    if isinstance(one, str) and isinstance(other, str):
        if one in own:
            return {one: other}
        if inner := [name for name in own if name.startswith(f"{one}.")]:
            return {name: f"{other}{name.removeprefix(one)}" for name in inner}
    raise ParameterError(
        f"names maps layers or tensors here to those of the source, got {shown(one)}: {shown(other)}; tensors here are {', '.join(own)}"
    )


def _fitting(given: Any, here: np.ndarray) -> tuple[np.ndarray, str]:
    """The values in the dtype of a tensor, and a description of what is wrong with them, or nothing."""
    try:
        values = np.asarray(given)
        if values.dtype.kind not in "fiu":
            return here, f"has dtype {values.dtype}, numbers are wanted"
    except Exception:  # ragged lists, and objects whose own conversion fails
        return here, "is not an array of numbers"
    if values.shape != here.shape:
        return here, f"has shape {values.shape}, here it is {here.shape}"
    with np.errstate(over="ignore", invalid="ignore"):
        converted = values.astype(here.dtype)
    if here.dtype.kind == "i" and not np.array_equal(converted, values):
        return here, f"holds values that are not {here.dtype} numbers"
    if not np.isfinite(converted).all():
        return here, f"is not finite in {here.dtype}"
    return converted, ""

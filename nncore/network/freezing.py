"""Parameter groups in which tensors are frozen, or trained again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nncore.errors import ParameterError
from nncore.program import Blueprint, matching, options_of

Groups = Mapping[str, Mapping[str, Any]]


def with_frozen(groups: Groups, blueprint: Blueprint, layers: Collection[str], names: Sequence[str], *, is_frozen: bool) -> Groups:
    """The groups of a network with some tensors frozen or unfrozen, and other options unchanged.

    Parameters
    ----------
    groups : mapping of str to mapping
        By patterns of tensor names.
    blueprint : Blueprint
    layers : collection of str
        The names of the network's layers, which stand for all their tensors.
    names : sequence of str
        Of layers, or patterns of the names of tensors.
    is_frozen : bool

    Raises
    ------
    ParameterError
        If a name matches nothing, or if no order of the patterns has the intended effect.
    """
    patterns = [as_pattern(name, layers) for name in names]
    tensors = [span.name for span in blueprint.spans]
    meant = {tensor for pattern in patterns for tensor in matching(pattern, blueprint)}
    wanted = {name: is_frozen if name in meant else bool(options_of(groups, name).get("frozen")) for name in tensors}

    def says_so(changed: Groups) -> bool:
        return all(bool(options_of(changed, name).get("frozen")) == wanted[name] for name in tensors)

    own: dict[str, Any] = {}
    for pattern, options in groups.items():
        rest = dict(options)
        if set(matching(pattern, blueprint)) <= meant:
            rest.pop("frozen", None)  # the new pattern covers all its tensors
        if rest or not options:
            own[pattern] = rest
    for pattern in patterns:
        if not says_so(own):
            own[pattern] = {**own.get(pattern, {}), "frozen": is_frozen}
    for pattern in patterns:
        if not says_so(own):  # a later pattern says otherwise
            own[pattern] = own.pop(pattern, {}) | {"frozen": is_frozen}
    if not says_so(own) or any(_rest(own, name) != _rest(groups, name) for name in tensors):
        raise ParameterError("other patterns of groups match these tensors too, and their order matters: set net.groups instead")
    return own


def as_pattern(name: object, layers: Collection[str]) -> str:
    """A pattern of tensor names, from one or from the name of a layer."""
    if not isinstance(name, str):
        raise ParameterError(f"a layer or a pattern of tensors is a str like 'dense_1' or '*.bias', got {name!r:.60}")
    return f"{name}.*" if name in layers else name


def _rest(groups: Groups, tensor: str) -> dict[str, Any]:
    """The options of a tensor without `frozen`."""
    return {option: value for option, value in options_of(groups, tensor).items() if option != "frozen"}

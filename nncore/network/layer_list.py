"""The layers of a network: read like a list, changed by methods of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nncore.contract import FrozenList, Layer, components_in
from nncore.errors import ParameterError


class LayerList(FrozenList):
    """`nncore.Sequential.layers`: reads like a list of layers; changing it raises an error that says what to do."""

    remedy = (
        "use net.insert, net.replace, net.append or net.pop, or make a new network, nn.Sequential(net[:2], nn.Dense(3)), which keeps "
        "the values of trained layers"
    )


def check_distinct(layers: Sequence[Layer], names: Sequence[str]) -> None:
    """Raise `ParameterError` if the same layer object occurs twice, also inside other layers."""
    seen: dict[int, str] = {}
    for name, outer in zip(names, layers, strict=True):
        for layer in _layers_in(outer):
            if id(layer) in seen:
                places = f"in {name} twice" if seen[id(layer)] == name else f"in {seen[id(layer)]} and in {name}"
                raise ParameterError(
                    f"the same object {layer!r} stands {places}: a layer can be used once; make two layers, or pass copy.deepcopy(layer)"
                )
            seen[id(layer)] = name


def _layers_in(layer: Layer) -> Iterator[Layer]:
    return (part for part in components_in(layer) if isinstance(part, Layer))

"""One layer on two rungs: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("rescale_numpy", "nncore_rescale.rescale_numpy:RescaleNumPy", "y = gain·x + shift, feature by feature, in NumPy"),
        Component("rescale", "nncore_rescale.rescale:Rescale", "y = gain·x + shift, feature by feature, in C"),
    ]

"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so keep its imports light."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("wing", "nncore_wing.wing:Wing", "logarithm of small errors, absolute large ones; Feng et al. 2018"),
        Component("wing_numpy", "nncore_wing.wing_numpy:WingNumPy", "wing, computed by NumPy"),
    ]

"""What this plugin offers. nncore reads it when somebody first asks for a component by name."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("wing", "nncore_wing.wing:Wing", "logarithm of small errors, absolute large ones; Feng et al. 2018"),
        Component("wing_numpy", "nncore_wing.wing_numpy:WingNumPy", "wing, computed by NumPy"),
    ]

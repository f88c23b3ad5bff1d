"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so keep its imports light."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_initializers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("lecun_normal", "nncore_lecun.lecun:LeCunNormal", "N(0, 1/n), n = fan-in; LeCun et al. 1998"),
        Component("lecun_uniform", "nncore_lecun.lecun:LeCunUniform", "U(−√(3/n), √(3/n)), n = fan-in; LeCun et al. 1998"),
        Component("sparse", "nncore_lecun.sparse:Sparse", "a few random connections a unit, the others 0; Martens 2010"),
    ]

"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so keep its imports light."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    return [Component("muon", "nncore_muon.muon:Muon", "orthogonalised momentum for weight matrices")]

"""What nncore-muon offers, by name."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    return [Component("muon", "nncore_muon.muon:Muon", "orthogonalised momentum for weight matrices")]

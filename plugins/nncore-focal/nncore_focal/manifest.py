"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so keep its imports light."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("focal", "nncore_focal.focal:Focal", "cross-entropy from logits that looks away from what is easy"),
        Component("label_smoothing", "nncore_focal.label_smoothing:LabelSmoothing", "cross-entropy from logits with softened targets"),
    ]

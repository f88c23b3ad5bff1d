"""Sharpness-aware minimization: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    return [Component("sam", "nncore_sam.sam:SAM", "sharpness-aware minimization around another optimizer, two gradients a step")]

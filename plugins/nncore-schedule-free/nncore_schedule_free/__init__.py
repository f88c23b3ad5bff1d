"""Schedule-free AdamW: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    summary = "AdamW that averages its iterates instead of lowering the learning rate"
    return [Component("schedule_free", "nncore_schedule_free.schedule_free:ScheduleFree", summary)]

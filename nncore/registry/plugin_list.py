"""The result of `nncore.plugins`: a list that is shown as a table."""

from __future__ import annotations

from itertools import groupby

from nncore.registry.discovery import PluginInfo
from nncore.tables import Table

#: For a kind with more components, only their number is shown.
_SHOWN = 4


class PluginList(list[PluginInfo]):
    """A list of `PluginInfo`; ``repr`` and notebooks show a line for each, with its components and problems."""

    def _table(self) -> Table:
        rows = [(plugin.distribution, plugin.version, _given(plugin)) for plugin in self]
        return Table(f"{len(self)} plugin{'' if len(self) == 1 else 's'}", ("plugin", "version", "what it gives"), rows)

    def __repr__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()


def _given(plugin: PluginInfo) -> str:
    """``"optimizers lion, muon"``, or why the plugin is left out."""
    if plugin.blocked:
        return "blocked (NNCORE_PLUGINS, NNCORE_DISABLE_PLUGINS)"
    if plugin.problem:
        return f"left out at {plugin.problem.stage}: {plugin.problem.error}"
    parts = []
    for kind, group in groupby(plugin.components, key=lambda pair: pair[0]):
        names = [component.name for _, component in group]
        parts.append(f"{len(names)} {kind}" if len(names) > _SHOWN else f"{kind} {', '.join(names)}")
    return "; ".join(parts) or "nothing"

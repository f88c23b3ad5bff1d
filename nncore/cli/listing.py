"""List the installed components, and remarks and problems of plugins."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from nncore.errors import PluginWarning

#: Seconds; a manifest that takes longer to import is reported.
SLOW_SECONDS = 0.1


@dataclass(frozen=True)
class Row:
    """One component. `rung` is how it runs: "native", "numba", "numpy", "view" (nothing to compute), "python" (a kind without kernels),
    "missing" (an optional library) or "broken"."""

    kind: str
    name: str
    distribution: str
    version: str
    rung: str
    summary: str


def collect(*, examined: bool = True) -> tuple[list[Row], list[str], list[str]]:
    """Collect all components in the order of the manifests, remarks about plugins, and problems of plugins.

    With ``examined=False`` no component is imported, so that none can harm this process. The rungs are then unknown.
    """
    from nncore import registry
    from nncore.registry import rung_of

    rows: list[Row] = []
    remarks: list[str] = []
    problems: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # listed below
        found = registry.plugins()
    for plugin in found:
        if plugin.blocked:
            remarks.append(f"plugin {plugin.distribution} {plugin.version}: blocked (NNCORE_PLUGINS, NNCORE_DISABLE_PLUGINS)")
        if plugin.seconds > SLOW_SECONDS:
            remarks.append(
                f"plugin {plugin.distribution} {plugin.version}: its manifest took {plugin.seconds:.2f} s to import, and the first "
                "look-up of every program waits for it; its author can fix this by importing only nncore.plugin"
            )
        for kind, component in plugin.components:
            shown = registry.Registration(kind, component, plugin)
            rung, problem = rung_of(kind, f"{plugin.distribution}/{component.name}") if examined else ("", "")
            rows.append(Row(kind, shown.qualified_name, plugin.distribution, plugin.version, rung, component.summary))
            problems += [problem] if problem else []
    problems += [str(problem) for problem in (registry.problems() if examined else registry.problems_found())]
    kinds = list(registry.KINDS)
    return sorted(rows, key=lambda row: kinds.index(row.kind)), remarks, problems

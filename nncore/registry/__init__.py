"""The registry: finds plugins, reads their manifests, and imports components by name. It imports the contract, and no component."""

from __future__ import annotations

from nncore.registry.catalogue import article as article, recorded as recorded, singular as singular
from nncore.registry.discovery import (
    DISTRIBUTION as DISTRIBUTION,  # for the command
    GROUP as GROUP,
    PluginInfo,
    PluginProblem,
    Policy as Policy,
    check_install as check_install,
    entries_of_plugins as entries_of_plugins,
    installed_entry_points as installed_entry_points,
)
from nncore.registry.manifest import KINDS, Rejected as Rejected, isolated as isolated
from nncore.registry.registration import given as given, given_kind as given_kind, luggage as luggage, register, unregister
from nncore.registry.registry import (
    LAYER_NAME as LAYER_NAME,
    Registry,
    component,
    config_of,
    get,
    names,
    plugins,
    problems,
    problems_found as problems_found,
    qualified_name,
    reload,
    resolve,
)
from nncore.registry.run_time import Registration
from nncore.registry.rungs import rung_of as rung_of
from nncore.registry.versions import is_older as is_older

__all__ = [
    "KINDS", "PluginInfo", "PluginProblem", "Registration", "Registry", "component", "config_of", "get", "names", "plugins", "problems",
    "qualified_name", "register", "reload", "resolve", "unregister",
]  # fmt: skip

"""Read a plugin's manifest: check it against `nncore.hookspecs`, and collect the components of its hooks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import pluggy

from nncore.arguments import shown
from nncore.contract import Component, hookspecs

_PREFIX = "nncore_"
#: Every kind of component, one for each hook.
KINDS = tuple(name.removeprefix(_PREFIX) for name in vars(hookspecs) if name.startswith(_PREFIX))

T = TypeVar("T")


class Rejected(Exception):
    """The plugin breaks the contract.

    Attributes
    ----------
    stage : {"import", "version", "hooks"}
        When it failed.
    """

    def __init__(self, stage: str, error: str) -> None:
        super().__init__(error)
        self.stage = stage


def isolated(stage: str, call: Callable[[], T]) -> T:
    """Run code of a plugin. Every exception, also `SystemExit`, becomes `Rejected`, except Ctrl-C."""
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise Rejected(stage, f"{type(error).__name__}: {error}") from error


def read(manager: pluggy.PluginManager, name: str, manifest: object) -> list[tuple[str, Component]]:
    """Register a manifest and collect the components of its hooks.

    Parameters
    ----------
    manager : PluginManager
        With the hooks of `nncore.hookspecs`.
    name : str
        ``"<distribution>:<entry>"``.
    manifest : object
        The object that the entry point names.

    Returns
    -------
    list of (kind, Component)

    Raises
    ------
    Rejected
        If it is not a module, is written for another version, misspells a hook, or a hook raises or does not return a list of valid
        components.
    """
    if not isinstance(manifest, ModuleType):
        raise Rejected("import", f"the entry point must name a module, not the {type(manifest).__name__} {manifest!r:.200}")
    _check_version(vars(manifest).get("NNCORE_API"))
    owner = name if manager.has_plugin(name) else manager.get_name(manifest)
    if owner:
        raise Rejected("hooks", f"the entry point or its module {manifest.__name__} is listed twice; {owner} already has it")
    isolated("hooks", lambda: manager.register(manifest, name))
    callers = manager.get_hookcallers(manifest) or []
    # An implementation marked optionalhook is for hosts that have the hook; others ignore it.
    optional = {i.function.__name__ for caller in callers for i in caller.get_hookimpls() if i.plugin is manifest and i.optionalhook}
    _check_hooks(manifest, [caller.name for caller in callers], optional)
    hooks = [caller.name for caller in callers if caller.has_spec()]
    others = [plugin for plugin in manager.get_plugins() if plugin is not manifest]
    found = []
    for hook in hooks:
        returned = isolated("hooks", partial(manager.subset_hook_caller(hook, others), api=hookspecs.API))
        found += [(hook.removeprefix(_PREFIX), component) for component in _checked(hook, returned)]
    return found


def _check_version(version: object) -> None:
    if not (isinstance(version, tuple) and len(version) == 2 and all(type(number) is int for number in version)):
        raise Rejected("version", f"the manifest must set NNCORE_API = {hookspecs.API}, the version it is written for; found {version!r}")
    written = "written for version {}.{} of the plugin API, and this nncore has {}.{}".format(*version, *hookspecs.API)
    if version[0] < hookspecs.API[0]:
        raise Rejected("version", f"{written}: upgrade the plugin")
    if version > hookspecs.API:
        raise Rejected("version", f"{written}: upgrade nncore")


def _check_hooks(manifest: ModuleType, hooks: Collection[str], optional: Collection[str]) -> None:
    functions = [name for name, value in vars(manifest).items() if name.startswith(_PREFIX) and isinstance(value, FunctionType)]
    unmarked = [name for name in functions if name not in hooks]
    if unmarked:
        raise Rejected("hooks", f"{', '.join(unmarked)} lacks the decorator nncore.plugin.hookimpl")
    known = [_PREFIX + kind for kind in KINDS]
    for name in hooks:
        if name not in known and name not in optional:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(known)}"
            raise Rejected("hooks", f"there is no hook {name}; {hint}")
    if not hooks:
        raise Rejected("hooks", f"the manifest implements no hook; the hooks are {', '.join(known)}")


def _checked(hook: str, returned: list[Any]) -> list[Component]:
    """The list of components inside what pluggy returns: a list with one entry, or none if the hook returned None."""
    components = returned[0] if returned else None
    if not isinstance(components, list) or not all(isinstance(component, Component) for component in components):
        raise Rejected("hooks", f"{hook} must return a list of nncore.plugin.Component, got {shown(components)}")
    for component in components:
        if not is_sound_name(component.name):
            raise Rejected("hooks", f"{hook}: the name {component.name!r} {SOUND_NAME}")
        if not _is_target(component.target):
            raise Rejected("hooks", f"{hook}: the target {component.target!r} of {component.name!r} must read 'package.module:Class'")
    return components


#: What `is_sound_name` requires, as the end of a sentence after "the name ...".
SOUND_NAME = "must consist of lower case letters, digits and underscores"


def is_sound_name(name: object) -> bool:
    """Whether a component may have this name."""
    return isinstance(name, str) and re.fullmatch(r"[a-z0-9_]+", name) is not None


def _is_target(target: object) -> bool:
    parts = target.split(":") if isinstance(target, str) else []
    return len(parts) == 2 and all(name.isidentifier() for part in parts for name in part.split("."))

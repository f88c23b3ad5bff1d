"""Make components from the descriptions in a file, by the installed classes, which may be newer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nncore import registry
from nncore.contract import Configurable
from nncore.errors import MissingPluginError, PluginError, UnknownComponentError
from nncore.network.providers import RUN_TIME, Providers, is_distribution
from nncore.registry import KINDS, article, given_kind, is_older, singular


def revived(kind: str, description: Mapping[str, Any], table: Providers) -> Any:
    """The component that a file describes.

    Parameters
    ----------
    kind : str
    description : mapping
        As `nncore.registry.config_of` wrote it, by the version in `table`.
    table : dict
        The plugins of the components in the file.

    Raises
    ------
    MissingPluginError
        If its class, or that of a component inside, is not installed; the message says how to install it.
    """
    return registry.resolve(kind, _present(kind, description, table))


def _present(kind: str, description: Mapping[str, Any], table: Providers) -> Mapping[str, Any]:
    """The description as the installed version would write it; components inside are converted first."""
    name = description.get("name")
    if not isinstance(name, str) or description.get("kind", kind) != kind:
        return description  # which `resolve` explains
    cls = _class(kind, name, table)
    arguments = {key: _inner(value, table) for key, value in description.items() if key not in ("kind", "name")}
    saved = table.get(kind, {}).get(name, {}).get("version", "")
    here = registry.component(kind, name).plugin
    if is_older(saved, here.version):
        arguments = _upgraded(cls, arguments, saved, f"{here.distribution} {here.version}")
    return {"kind": kind, "name": name, **arguments}


def _inner(value: Any, table: Providers) -> Any:
    if isinstance(value, Mapping) and value.get("kind") in KINDS and "name" in value:
        return _present(value["kind"], value, table)
    if isinstance(value, list):
        return [_inner(item, table) for item in value]
    if isinstance(value, str) and (kind := given_kind(value)) and table.get(kind, {}).get(value) == RUN_TIME:
        return {"kind": kind, "name": value}  # a name that is only known during this load: the component replaces it
    return value


def _upgraded(cls: type[Configurable], arguments: dict[str, Any], saved: str, here: str) -> dict[str, Any]:
    try:
        upgraded = cls.upgrade(dict(arguments), saved)
    except Exception as error:  # the plugin's own code
        raise PluginError(
            f"{cls.__name__}.upgrade of {here} fails for a file of version {saved}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(upgraded, dict) or not all(isinstance(name, str) and name not in ("kind", "name") for name in upgraded):
        raise PluginError(
            f"{cls.__name__}.upgrade of {here} must return arguments by name, for a file of version {saved}: {upgraded!r:.200}"
        )
    return upgraded


def check_present(table: Providers, kinds: Collection[str]) -> None:
    """Raise `MissingPluginError` for the first component of these kinds in a file's table that is not installed."""
    for kind in kinds:
        for name in table.get(kind, {}):
            _class(kind, name, table)


def _class(kind: str, name: str, table: Providers) -> type[Any]:
    """The class of a name in a file, from the plugin that the file names."""
    provider = table.get(kind, {}).get(name, {})
    who = f"the {singular(kind)} {name!r}"
    try:
        found: type[Any] = registry.get(kind, name)
        if provider == RUN_TIME and not registry.component(kind, name).plugin.run_time:
            raise UnknownComponentError(f"the {who} of this process is another class")
    except (UnknownComponentError, PluginError) as error:
        if provider == RUN_TIME:
            raise MissingPluginError(
                f"{who} was registered at run time, and is not registered here: call nncore.register({kind!r}, YourClass, {name!r}) "
                f"before nncore.load, or pass the class, nncore.load(path, components={{{name!r}: YourClass}})"
            ) from error
        distribution = provider.get("plugin") or name.rpartition("/")[0]
        if not is_distribution(distribution):
            raise
        own = _built_in(kind, name.rpartition("/")[2])
        raise MissingPluginError(f"{who} is missing: {_why(distribution, provider.get('version', ''), error)}{own}") from error
    return found


def _built_in(kind: str, name: str) -> str:
    """A note for a message that nncore has a component with the same name, which is not used instead."""
    try:
        is_here = registry.component(kind, name).plugin.built_in
    except UnknownComponentError:
        is_here = False
    return f"; nncore has {article(kind)} {name!r} of its own, which may differ" if is_here else ""


def _why(distribution: str, version: str, error: Exception) -> str:
    """Describe the problem of a plugin, its version in the file, and what to do."""
    saved = f"the file was saved with {distribution} {version}".strip()
    install = f"pip install {distribution}{f'=={version}' if version else ''}"
    plugin = next((found for found in registry.plugins() if found.distribution == distribution), None)
    if plugin is None:
        return f"no plugin {distribution} is installed; {saved}: {install}"
    if plugin.blocked:
        return f"plugin {distribution} is blocked (NNCORE_PLUGINS, NNCORE_DISABLE_PLUGINS); {saved}: allow it"
    if plugin.problem:
        return f"plugin {distribution} failed to load: {plugin.problem.error}; {saved}: {install}"
    if isinstance(error, UnknownComponentError):
        return f"{distribution} {plugin.version} has none of that name; {saved}: {install}"
    return f"{error}; {saved}: {install}"

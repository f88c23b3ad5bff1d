"""The plugins of a network's components, as a file lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nncore.registry import KINDS, Registration

#: Instead of plugin and version, for a class that was registered at run time.
RUN_TIME = {"registered": "at run time"}

#: Valid distributions and versions. Messages recommend ``pip install`` of them, so a file must not put an option there.
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9.!+_-]{0,98})?")

#: Kind → name in the file → ``{"plugin": distribution, "version": version}``, or `RUN_TIME`.
Providers = dict[str, dict[str, dict[str, str]]]


def providers(registrations: Mapping[tuple[str, str], Registration]) -> Providers:
    """The table of a file, from the components that were looked up to write it."""
    table: Providers = {}
    for (kind, name), registration in sorted(registrations.items()):
        plugin = registration.plugin
        table.setdefault(kind, {})[name] = RUN_TIME if plugin.run_time else {"plugin": plugin.distribution, "version": plugin.version}
    return table


def are_providers(value: Any) -> bool:
    """Whether it is such a table."""
    return isinstance(value, dict) and all(
        kind in KINDS and isinstance(by_name, dict) and all(map(_is_provider, by_name, by_name.values())) for kind, by_name in value.items()
    )


def _is_provider(name: str, value: Any) -> bool:
    return value == RUN_TIME or (
        isinstance(value, dict)
        and value.keys() == {"plugin", "version"}
        and all(isinstance(text, str) for text in value.values())
        and is_distribution(value["plugin"])
        and _VERSION.fullmatch(value["version"]) is not None
        and name.rpartition("/")[0] in ("", value["plugin"])  # otherwise the message would name another plugin than the component
    )


def is_distribution(name: str) -> bool:
    """Whether a distribution may have this name."""
    return _DISTRIBUTION.fullmatch(name) is not None


def named_in(description: object, table: Providers) -> Providers:
    """The part of a table whose names occur in a description."""
    names = set(_texts(description))
    found = {kind: {name: provider for name, provider in by_name.items() if name in names} for kind, by_name in table.items()}
    return {kind: by_name for kind, by_name in found.items() if by_name}


def merged(one: Providers, other: Providers) -> Providers:
    """Both tables; where they differ, the first one counts."""
    kinds = sorted({*one, *other})
    return {kind: dict(sorted({**other.get(kind, {}), **one.get(kind, {})}.items())) for kind in kinds}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return [text for part in parts for text in _texts(part)]

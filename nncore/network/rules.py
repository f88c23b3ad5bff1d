"""Parameter groups, regularizers and constraints in the description of a file.

Prediction does not need them. If the class of one is not installed, the network keeps its description, by the path in the document, and
writes it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nncore import registry
from nncore.contract import Configurable
from nncore.errors import MissingExtraError, MissingPluginError
from nncore.network.absent import Absent, Path
from nncore.network.providers import Providers, named_in
from nncore.network.reviving import revived
from nncore.program import RULES


def described_groups(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parameter groups as JSON holds them."""
    return {pattern: {option: _described(option, value) for option, value in options.items()} for pattern, options in groups.items()}


def _described(option: str, value: Any) -> Any:
    if option == "optimizer":
        return registry.config_of("optimizers", value)
    if option not in RULES or value is None:
        return value
    if isinstance(value, list):
        return [_described(option, item) for item in value]
    return {"kind": RULES[option], **registry.config_of(RULES[option], value)}


def revived_groups(groups: Mapping[str, Any], table: Providers) -> dict[str, Any]:
    """The inverse of `described_groups`, by the installed classes."""
    return {
        pattern: {
            option: revived("optimizers", value, table) if option == "optimizer" else _revived(value, table)
            for option, value in options.items()
        }
        for pattern, options in groups.items()
    }


def _revived(value: Any, table: Providers) -> Any:
    if isinstance(value, list):
        return [_revived(item, table) for item in value]
    return revived(value["kind"], value, table) if _is_rule(value) else value


def _is_rule(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") in RULES.values() and "name" in value


def without_absent_rules(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Absent]]:
    """A document with None for every regularizer and constraint that is not installed, and their descriptions by path."""
    table: Providers = document["components"]
    absent: dict[Path, Any] = {}
    reasons: list[str] = []
    for path, value in _arguments(document):
        try:
            _revived(value, table)
        except (MissingPluginError, MissingExtraError) as error:
            absent[path] = value
            reasons.append(str(error))
    if not absent:
        return document, {}
    kept = Absent(reasons[0], {}, named_in(list(absent.values()), table), rules=absent)
    return replaced(document, dict.fromkeys(absent)), {"rules": kept}


def _arguments(document: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every argument of layers and groups that is a rule or a list with one, and its path."""

    def walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        if _is_rule(value) or (isinstance(value, list) and any(map(_is_rule, value))):
            yield path, value
        elif isinstance(value, (dict, list)):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk(item, (*path, key))

    for field in ("layers", "groups"):
        yield from walk(document[field], (field,))


def replaced(document: Any, values: Mapping[Path, Any]) -> Any:
    """A copy of a document with other values at some paths; unknown paths are ignored."""
    if () in values:
        return values[()]
    if not isinstance(document, (dict, list)):
        return document
    inner: dict[Any, dict[Path, Any]] = {}
    for path, value in values.items():
        inner.setdefault(path[0], {})[path[1:]] = value
    if isinstance(document, list):
        return [replaced(item, inner.get(i, {})) for i, item in enumerate(document)]
    return {key: replaced(item, inner.get(key, {})) for key, item in document.items()}


def path_of(component: Configurable, value: Any, path: Path = ("layers",)) -> Path | None:
    """The path in a document to the description of a component of a network's layers."""
    if value is component:
        return path
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, Configurable):
        parts = list(value.config().items())
    elif isinstance(value, (list, tuple)):
        parts = list(enumerate(value))
    found = (path_of(component, item, (*path, key)) for key, item in parts)
    return next((where for where in found if where is not None), None)

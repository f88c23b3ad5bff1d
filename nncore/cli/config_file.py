"""The configuration file of ``nncore train``: TOML, with one table for each group of options, and options by their long names."""

from __future__ import annotations

import argparse
import difflib
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nncore.cli.arguments import specification
from nncore.cli.settings import DEFAULTS, OPTIONS, SECTIONS, Option, Settings, long_name
from nncore.cli.terminal import json_text
from nncore.errors import ParameterError


def read_config(path: Path) -> dict[str, Any]:
    """Read the options of a file, by the names of their fields.

    An option is in the table of its group, or above all tables. ``weight-decay`` may be written ``weight_decay``.

    Raises
    ------
    ParameterError
        For an unknown option or an invalid value. The message suggests similar names.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not TOML: {error}") from None
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key not in SECTIONS:
            _take(found, path, "", key, value)
        elif isinstance(value, dict):
            for inner, inner_value in value.items():
                _take(found, path, key, inner, inner_value)
        elif key == "data":  # the only option with the name of its table
            _take(found, path, "", key, value)
        else:
            raise ParameterError(f"{path}: {key} is a table, written [{key}]")
    return found


def _take(found: dict[str, Any], path: Path, section: str, key: str, value: object) -> None:
    name, where = key.replace("-", "_"), f"[{section}] {key}" if section else key
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, [*OPTIONS, *SECTIONS], n=2)
        hint = f"did you mean {' or '.join(map(long_name, near))}?" if near else "nncore train --print-config lists all"
        raise ParameterError(f"{path}: there is no option {where}; {hint}")
    option = OPTIONS[name]
    if section not in ("", option.section):
        raise ParameterError(f"{path}: {key} belongs in [{option.section}], not in [{section}]")
    if name in found:
        raise ParameterError(f"{path}: {key} is given twice")
    try:
        found[name] = _parsed(option, value)
    except argparse.ArgumentTypeError as error:
        raise ParameterError(f"{path}: {where}: {error}") from None


def _parsed(option: Option, value: object) -> Any:
    """Convert the value of an option as on the command line."""
    if option.switch:
        if not isinstance(value, bool):
            raise argparse.ArgumentTypeError(f"{value!r} is neither true nor false")
        return value
    if option.repeated:
        takes_components = option.parse is specification
        if not isinstance(value, list) or not all(isinstance(item, str) or (takes_components and _is_component(item)) for item in value):
            raise argparse.ArgumentTypeError(f'{value!r} is not a list of texts, ["one", "two"]')
        return [option.parse(as_text(item)) for item in value]
    if option.keyed and isinstance(value, Mapping) and "name" not in value:
        return {key: item for entry in value.items() for key, item in _entry(option, *entry).items()}
    text = as_text(value)
    if option.choices and text not in option.choices:
        raise argparse.ArgumentTypeError(f"{text!r} is not {' or '.join(map(repr, option.choices))}")
    return option.parse(text)


def _is_component(value: object) -> bool:
    """Whether a table is a component with arguments: ``{ name = "step", multiplier = 0.5 }``."""
    return isinstance(value, Mapping) and isinstance(value.get("name"), str)


def _entry(option: Option, key: str, value: object) -> Any:
    """Convert an entry of a table. A component among the options of a group has no text form, and is left unchanged."""
    if isinstance(value, Mapping) and any(isinstance(item, Mapping) for item in value.values()):
        return {key: dict(value)}
    return option.parse(f"{key}{option.keyed}{as_text(value)}")


def as_text(value: object) -> str:
    """The value as on the command line."""
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    if isinstance(value, Mapping):
        arguments = ",".join(f"{key}={as_text(item)}" for key, item in value.items() if key != "name")
        return ":".join(filter(None, [value["name"], arguments])) if isinstance(value.get("name"), str) else arguments
    return str(value)


def as_toml(settings: Settings) -> str:
    """Write the effective configuration, which `read_config` can read. Options that are not set are comments."""
    lines: list[str] = []
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        for name, option in OPTIONS.items():
            if option.section != section:
                continue
            lines += textwrap.wrap(option.help, 100, initial_indent="# ", subsequent_indent="# ")
            value = getattr(settings, name)
            lines.append(f"# {long_name(name)} =" if value is None else f"{long_name(name)} = {_toml(value)}")
    return "\n".join(lines[1:]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())} }}"
    # A JSON string is a TOML string, except that TOML requires DEL to be escaped.
    return json_text(str(value))


def changed(settings: Settings) -> dict[str, Any]:
    """Options that differ from their defaults, in a form for JSON."""
    found: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        value = getattr(settings, name)
        if isinstance(default, tuple):
            value, default = list(value), list(default)
        if value != default:
            found[name] = str(value) if isinstance(value, Path) else value
    return found

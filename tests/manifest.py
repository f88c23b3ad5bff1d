"""The built-in components, read from their manifest without the registry and installed plugins."""

from __future__ import annotations

import importlib
from typing import Any

from nncore.plugin import Configurable
from nncore.registry import builtin


def classes(kind: str) -> dict[str, Any]:
    """Name and class of every built-in component of `kind`, such as ``"activations"``."""
    components = getattr(builtin, f"nncore_{kind}")((1, 0))
    targets = {component.name: component.target.split(":") for component in components}
    return {name: getattr(importlib.import_module(module), attribute) for name, (module, attribute) in targets.items()}


def instances(kind: str) -> dict[str, Any]:
    """Components for the examples of every class of `kind`, by name and, where there are any, arguments."""
    made: dict[str, Configurable] = {}
    for name, cls in classes(kind).items():
        for arguments in cls.examples or ({},):
            written = ", ".join(f"{key}={value}" for key, value in arguments.items())
            made[f"{name}({written})" if written else name] = cls(**arguments)
    return made

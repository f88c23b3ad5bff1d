"""The built-in components straight from their manifest, without the registry and whatever plugins are installed."""

from __future__ import annotations

import importlib
from typing import Any

from nncore import builtin


def classes(kind: str) -> dict[str, Any]:
    """Name and class of every built-in component of `kind`, such as ``"activations"``."""
    components = getattr(builtin, f"nncore_{kind}")((1, 0))
    targets = {component.name: component.target.split(":") for component in components}
    return {name: getattr(importlib.import_module(module), attribute) for name, (module, attribute) in targets.items()}

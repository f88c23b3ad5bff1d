"""Test classes for all built-in components of a kind, so that a new one is tested by existing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifest import classes

from nncore.testing import Conformance


def built_in(base: type[Conformance], arguments: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> dict[str, type[Conformance]]:
    """A class ``Test_<name>`` for every component of the kind of `base`, made with `arguments` where they say how."""
    chosen = arguments or {}
    return {f"Test_{name}": type(f"Test_{name}", (base,), {"name": name, "arguments": chosen.get(name, ())}) for name in classes(base.kind)}

"""Test classes for all built-in components of a kind, so that tests cover new ones without a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifest import classes

from nncore.testing import Conformance

#: Checks that start an interpreter for each component; registry/test_built_in_imports.py runs them for all built-in components in one.
OF_IMPORTS = dict.fromkeys(("test_manifest_is_light", "test_import_leaves_the_processor_alone"))


def built_in(base: type[Conformance], arguments: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> dict[str, type[Conformance]]:
    """A class ``Test_<name>`` for every component of the kind of `base`, made with its entry in `arguments` if it has one."""
    chosen = arguments or {}
    own = {name: {"name": name, "arguments": chosen.get(name, ())} for name in classes(base.kind)}
    return {f"Test_{name}": type(f"Test_{name}", (base,), attributes | OF_IMPORTS) for name, attributes in own.items()}

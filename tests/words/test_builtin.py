"""Names of the built-in components, as type checkers know them."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

from nncore import registry
from nncore.words import BUILT_IN, KindName


def test_they_are_those_of_the_registry() -> None:
    for kind in set(registry.KINDS) - {"formats", "exporters"}:
        built_in = [name for name in registry.names(kind) if registry.component(kind, name).plugin.built_in]
        assert list(BUILT_IN[kind]) == sorted(built_in), f"write the names of the built-in {kind} into nncore/words/builtin.py"


def test_so_are_the_kinds() -> None:
    assert list(get_args(KindName)) == sorted(registry.KINDS)


def test_a_built_in_name_is_checked_without_a_look_at_plugins() -> None:
    """Built-in names are checked without importing the registry, since reading all distributions' metadata is slow."""
    code = "import sys, nncore as nn; nn.Dense(3, activation='relu', weight_initializer='zeros'); print('nncore.registry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

"""Types of look-ups and settings for type checkers; read by mypy in test_typing.py, never run."""

from __future__ import annotations

from typing import Any, assert_type

import nncore as nn
from nncore.registry import PluginInfo


def look_ups() -> None:
    assert_type(nn.get("optimizers", "adam"), type[Any])
    assert_type(nn.names("optimizers"), list[str])
    assert_type(nn.plugins()[0], PluginInfo)
    assert_type(nn.get_include(), str)
    assert_type(nn.get_num_threads(), int)
    assert_type(nn.__version__, str)
    nn.set_num_threads(2)


def refused() -> None:
    nn.get("adam")  # type: ignore[call-arg]
    nn.set_num_threads("all")  # type: ignore[arg-type]
    nn.get_num_threads(1)  # type: ignore[call-arg]

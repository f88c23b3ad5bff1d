"""Kernels whose functions are written in Python, so that tests can record the calls of a team of threads."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nncore.plugin import CALLS, TABLES, Kernel, function_table
from nncore.testing import tables


def python_kernel(monkeypatch: pytest.MonkeyPatch, kind: str, **functions: Callable[[Any], int]) -> Kernel:
    """A kernel whose table calls Python functions, alive while the test runs; one for both dtypes if the name has none."""
    both = {f"{name}_{suffix}": function for name, function in functions.items() for suffix in tables.SUFFIXES.values()}
    chosen = {name: function for name, function in (both | functions).items() if name in TABLES[kind]}
    function_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(CALLS[kind]))
    kept = {name: function_type(lambda call, function=function: function(call[0])) for name, function in chosen.items()}
    addresses = {name: ctypes.cast(function, ctypes.c_void_p).value for name, function in kept.items()}
    module = ModuleType("kernels_in_python")
    module.table, module.kept = function_table(kind, **addresses), kept
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Kernel(f"{module.__name__}:table")

"""Kernels whose functions are in Python, so that a test sees what a team of threads calls."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nncore.plugin import Kernel, function_table
from nncore.testing import tables

STEP = ctypes.CFUNCTYPE(
    ctypes.c_int32, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_double), ctypes.c_int64
)
LAYER_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(tables.LayerCallStruct))


def python_kernel(monkeypatch: pytest.MonkeyPatch, kind: str, function_type: Any, **functions: Callable[..., int]) -> Kernel:
    """The kernel of a table of such functions, for as long as the test runs."""
    kept = {name: function_type(function) for name, function in functions.items()}
    addresses = {name: ctypes.cast(function, ctypes.c_void_p).value for name, function in kept.items()}
    module = ModuleType("kernels_in_python")
    module.table, module.kept = function_table(kind, **addresses), kept
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Kernel(f"{module.__name__}:table")

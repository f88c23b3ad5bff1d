"""Calls the function tables inside capsules from Python, for comparing compiled kernels with their NumPy oracles."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

HEAD_BYTES = 16  # nnc_head: two uint32 and one uint64
SUFFIXES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _functions(capsule: object, kind: str, names: list[str]) -> dict[str, Callable[..., int] | None]:
    """The table's function pointers by name; None for NULL."""
    address = _get_pointer(capsule, f"nncore.{kind}".encode())
    pointers = (ctypes.c_void_p * len(names)).from_address(address + HEAD_BYTES)
    prototype = ctypes.CFUNCTYPE
    return {name: _Function(pointer, prototype) if pointer else None for name, pointer in zip(names, pointers, strict=True)}


class _Function:
    """A C function that takes NumPy arrays, ints and None."""

    def __init__(self, pointer: int, prototype: Any) -> None:
        self.pointer, self.prototype = pointer, prototype

    def __call__(self, *arguments: np.ndarray | int | None) -> int:
        types, values = [ctypes.c_int32], []
        for argument in arguments:
            if isinstance(argument, (int, np.integer)):
                types.append(ctypes.c_int64)
                values.append(int(argument))
            else:
                types.append(ctypes.c_void_p)
                values.append(None if argument is None else argument.ctypes.data)
        return self.prototype(*types)(self.pointer)(*values)


def _table(kind: str, fields: list[str]) -> Callable[[object], SimpleNamespace]:
    def open_table(capsule: object) -> SimpleNamespace:
        return SimpleNamespace(**_functions(capsule, kind, fields))

    return open_table


#: Each turns a capsule into a namespace of callables named like the fields of the table: ``.forward_f32(z, a, rows, columns, hyper)``.
activation = _table("activation", ["forward_f32", "forward_f64", "backward_f32", "backward_f64"])
loss = _table("loss", ["real_f32", "real_f64", "labels_f32", "labels_f64"])
optimizer = _table("optimizer", ["step_f32", "step_f64", "step_tensors_f32", "step_tensors_f64"])
layer = _table("layer", ["forward_f32", "forward_f64", "backward_f32", "backward_f64"])

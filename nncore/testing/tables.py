"""Calls the function tables inside capsules from Python, for comparing compiled kernels with their NumPy oracles.

>>> from nncore.plugin import Kernel
>>> table = optimizer(Kernel("nncore._core.native:optimizer_sgd").load())
>>> w = np.ones(3)
>>> table.step_f64(w, np.ones(3), None, 3, 1, np.array([0.5]), 3)
0
>>> w.tolist()
[0.5, 0.5, 0.5]
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np

from nncore.contract import ABI_MAJOR, TABLES
from nncore.errors import PluginError
from nncore.testing.expectations import expect
from nncore.testing.subnormals import subnormals_alive

#: End of a function's name, by the dtype it is for.
SUFFIXES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


class Head(ctypes.Structure):
    """``nnc_head``."""

    _fields_ = [("abi_major", ctypes.c_uint32), ("abi_minor", ctypes.c_uint32), ("struct_size", ctypes.c_uint64)]


class LayerCallStruct(ctypes.Structure):
    """``nnc_layer_call``."""

    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in ("x", "y", "d_y", "d_x", "parameters", "d_parameters", "buffers", "cache", "scratch", "hyper")
        ),
        *(
            (name, ctypes.c_int64)
            for name in ("n_rows", "n_inputs", "n_outputs", "first_row", "begin_column", "end_column", "begin_parameter", "end_parameter")
        ),
        ("seed", ctypes.c_uint64),
        ("step", ctypes.c_int64),
        ("layer", ctypes.c_int32),
        ("training", ctypes.c_int32),
    ]


#: ``nnc_tensor``.
TENSOR = np.dtype([("offset", "i8"), ("rows", "i8"), ("columns", "i8"), ("layer", "i4"), ("role", "i4")])
#: Values of ``nnc_tensor.role``.
ROLES = {"weight": 0, "bias": 1, "scale": 2}

Argument = np.ndarray | int | ctypes.Structure | None


class Function:
    """A C function that takes arrays, whole numbers (int64), structures (by address) and None (NULL), and returns an int32."""

    def __init__(self, name: str, pointer: int) -> None:
        self.name, self.pointer = name, pointer

    def __call__(self, *arguments: Argument) -> int:
        types: list[type[ctypes.c_int64] | type[ctypes.c_void_p]] = []
        values: list[int | None] = []
        for argument in arguments:
            if isinstance(argument, (int, np.integer)):
                types.append(ctypes.c_int64)
                values.append(int(argument))
            else:
                types.append(ctypes.c_void_p)
                values.append(_address(argument))
        alive = subnormals_alive()
        status: int = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(self.pointer)(*values)
        expect(subnormals_alive() == alive, f"{self.name} changed how this thread treats subnormal numbers and did not change it back")
        return status


def _address(argument: np.ndarray | ctypes.Structure | None) -> int | None:
    if isinstance(argument, ctypes.Structure):
        return ctypes.addressof(argument)
    if argument is None:
        return None
    expect(argument.flags.c_contiguous, "kernels take C-contiguous arrays")
    return argument.ctypes.data


def open_table(capsule: object, kind: str) -> SimpleNamespace:
    """The functions of a table by name, each a `Function`, or None where the pointer is NULL.

    Parameters
    ----------
    capsule : PyCapsule
        As returned by `nncore.plugin.Kernel.load`.
    kind : {"activation", "loss", "optimizer", "layer"}

    Raises
    ------
    PluginError
        If the capsule is of another kind, or its head does not fit this nncore.
    """
    names, label = TABLES[kind], f"nncore.{kind}".encode()
    is_valid, get_pointer = ctypes.pythonapi.PyCapsule_IsValid, ctypes.pythonapi.PyCapsule_GetPointer
    is_valid.restype, is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    if not is_valid(capsule, label):
        raise PluginError(f"the kernel of this {kind} is {capsule!r}, not a PyCapsule named 'nncore.{kind}'")
    address = get_pointer(capsule, label)
    head = Head.from_address(address)
    if head.abi_major != ABI_MAJOR:
        raise PluginError(
            f"the kernel of this {kind} was built for version {head.abi_major} of nncore/plugin.h, this nncore speaks version {ABI_MAJOR}"
        )
    size = ctypes.sizeof(Head) + ctypes.sizeof(ctypes.c_void_p) * len(names)
    if head.struct_size < size:
        raise PluginError(f"the kernel of this {kind} says it has {head.struct_size} bytes, at least {size} are needed: use NNC_HEAD")
    pointers = (ctypes.c_void_p * len(names)).from_address(address + ctypes.sizeof(Head))
    return SimpleNamespace(**{name: Function(name, pointer) if pointer else None for name, pointer in zip(names, pointers, strict=True)})


def activation(capsule: object) -> SimpleNamespace:
    """``nnc_activation``: ``.forward_f32(z, a, n_rows, n_columns, hyper)`` and so on."""
    return open_table(capsule, "activation")


def loss(capsule: object) -> SimpleNamespace:
    """``nnc_loss``: ``.labels_f32(output, labels, weight, loss, d_output, n_rows, n_outputs, hyper)`` and so on."""
    return open_table(capsule, "loss")


def optimizer(capsule: object) -> SimpleNamespace:
    """``nnc_optimizer``: ``.step_f32(w, g, state, n, t, hyper, stride)`` and so on."""
    return open_table(capsule, "optimizer")


def layer(capsule: object) -> SimpleNamespace:
    """``nnc_layer``: ``.forward_f32(call)`` and so on, with a `LayerCallStruct`."""
    return open_table(capsule, "layer")

"""Kernels: compiled forms of components, and function tables from addresses."""

from __future__ import annotations

import ctypes
import importlib
import sys
from dataclasses import dataclass

from nncore.contract.calls import HeadStruct
from nncore.errors import PluginError

#: Version of ``nncore/plugin.h``.
ABI_MAJOR, ABI_MINOR = 1, 0

#: Function pointers of each table of ``nncore/plugin.h``, in order, after its head.
TABLES: dict[str, tuple[str, ...]] = {
    "activation": (
        "forward_f32",
        "forward_f64",
        "backward_f32",
        "backward_f64",
        "forward_with_slope_f32",
        "forward_with_slope_f64",
    ),
    "loss": ("real_f32", "real_f64", "labels_f32", "labels_f64"),
    "metric": ("real_f32", "real_f64", "labels_f32", "labels_f64"),
    "optimizer": (
        "step_f32",
        "step_f64",
        "perturb_f32",
        "perturb_f64",
        "before_step_f32",
        "before_step_f64",
        "after_step_f32",
        "after_step_f64",
    ),
    "layer": (
        "forward_f32",
        "forward_f64",
        "backward_f32",
        "backward_f64",
        "gradient_f32",
        "gradient_f64",
        "forward_sums_f32",
        "forward_sums_f64",
        "backward_sums_f32",
        "backward_sums_f64",
        "join_sums_f32",
        "join_sums_f64",
        "touch_f32",
        "touch_f64",
        "touched_gradient_f32",
        "touched_gradient_f64",
    ),
    "regularizer": ("value_f32", "value_f64", "add_gradient_f32", "add_gradient_f64"),
    "constraint": ("project_f32", "project_f64"),
    "transform": ("apply_f32", "apply_f64"),
}


@dataclass(frozen=True)
class Kernel:
    """The place of the compiled form of a component.

    Parameters
    ----------
    target : str
        ``"package.module:attribute"``. The attribute is a PyCapsule around the table of the kind that ``nncore/plugin.h`` declares, named
        ``nncore.`` and the kind (``nncore.optimizer``). `function_table` makes one from addresses.
    rung : {"native", "numba"}, default "native"
        What compiled it, for ``describe()`` and ``nncore plugins``.
    never_fails : bool, default False
        Whether its functions always return 0. Then training steps need no copy of parameters and state to restore after a failure, and use
        gradients of large networks while they are in the cache.
    """

    target: str
    rung: str = "native"
    never_fails: bool = False

    def load(self) -> object:
        """Import the module and return the capsule."""
        module, _, attribute = self.target.partition(":")
        try:
            capsule = getattr(sys.modules.get(module), attribute, None) or getattr(importlib.import_module(module), attribute)
        except Exception as error:  # importing an extension may raise anything
            raise PluginError(f"the compiled kernel {self.target!r} cannot be loaded: {error}") from error
        if type(capsule).__name__ != "PyCapsule":
            raise PluginError(f"the compiled kernel {self.target!r} is {capsule!r}, not a PyCapsule")
        return capsule


_kept_tables: list[object] = []  # a table must outlive every program that points to it, and programs outlive modules


def function_table(kind: str, **addresses: int) -> object:
    """Make a capsule around a function table from the addresses of functions: numba's ``cfunc(...).address``, ctypes, cffi.

    Parameters
    ----------
    kind : {"activation", "loss", "metric", "optimizer", "layer", "regularizer", "constraint", "transform"}
        Kind of the table.
    **addresses : int
        Addresses of the functions of that table by name (``step_f32=..., step_f64=...``); others are NULL. Each takes a pointer to a call:
        see `CALLS` for ctypes and `numba_call` for numba.

    Returns
    -------
    PyCapsule
    """
    names = TABLES[kind]
    unknown = sorted(set(addresses) - set(names))
    if unknown:
        raise PluginError(f"a table of kind {kind!r} has the functions {', '.join(names)}, not {', '.join(unknown)}")
    fields = [("head", HeadStruct), *((name, ctypes.c_void_p) for name in names)]
    table_type = type(f"nnc_{kind}", (ctypes.Structure,), {"_fields_": fields})
    head = HeadStruct(ABI_MAJOR, ABI_MINOR, ctypes.sizeof(table_type))
    table, label = table_type(head, **addresses), ctypes.c_char_p(f"nncore.{kind}".encode())
    _kept_tables.extend((table, label))
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new_capsule(ctypes.addressof(table), label, None)

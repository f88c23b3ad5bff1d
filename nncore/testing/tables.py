"""Call the function tables in capsules from Python, to compare compiled kernels with NumPy.

>>> from nncore.plugin import Kernel
>>> table = optimizer(Kernel("nncore._core.native:optimizer_sgd").load())
>>> w = np.ones(3)
>>> table.step_f64(w=w, g=np.ones(3), n=3, t=1, hyper=np.array([0.5]))
0
>>> w.tolist()
[0.5, 0.5, 0.5]
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from nncore._core import is_c_array, native
from nncore.contract import ABI_MAJOR, CALLS, TABLES, BatchSumsStruct, HeadStruct, SiteStruct, TensorStruct, TouchedStruct
from nncore.errors import PluginError
from nncore.testing.expectations import expect
from nncore.testing.subnormals import subnormals_alive

#: Suffix of a function's name, by dtype.
SUFFIXES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}

#: ``nnc_tensor``.
TENSOR = np.dtype(TensorStruct)
#: ``nnc_batch_sums``.
BATCH_SUMS = np.dtype(BatchSumsStruct)
#: ``nnc_touched``.
TOUCHED = np.dtype(TouchedStruct)
#: Values of ``nnc_tensor.role``.
ROLES = {"weight": 0, "bias": 1, "scale": 2}
#: Bytes of the buffer for a message: ``NNC_MESSAGE_BYTES``.
MESSAGE_BYTES = 256

#: Values for a field of a call or of its site.
Field = np.ndarray | Sequence[int] | float | None


class Call:
    """A call of a function of a table, made from fields of ``nnc_..._call`` and ``nnc_site`` by name. Other fields are 0 or NULL.

    Attributes
    ----------
    struct : ctypes.Structure
        The call. Functions receive its address.
    """

    def __init__(self, kind: str, fields: dict[str, Field]) -> None:
        struct_type = CALLS[kind]
        self._kept: list[object] = []
        self._message = ctypes.create_string_buffer(MESSAGE_BYTES)
        self._site = SiteStruct(struct_size=ctypes.sizeof(SiteStruct), host=_address_in(native.host, b"nncore.host"))
        self._site.message = ctypes.cast(self._message, type(self._site.message))
        self.struct = struct_type(struct_size=ctypes.sizeof(struct_type), site=ctypes.pointer(self._site))
        self._kept += [self._site, self._message]
        names = _kinds_of_fields(struct_type)
        for name, value in fields.items():
            self._set(self.struct if name in names else self._site, name, value)

    def _set(self, struct: ctypes.Structure, name: str, value: Field) -> None:
        kinds = _kinds_of_fields(type(struct))
        if name not in kinds:
            raise AssertionError(f"neither {type(struct).__name__} nor the call has a field {name!r}")
        if value is None or isinstance(value, (int, float, np.integer)):
            setattr(struct, name, 0 if value is None and kinds[name] is ctypes.c_size_t else value)
            return
        if not isinstance(value, np.ndarray):  # addresses, or numbers of a plan
            value = np.array(value, np.uint64 if "tensors" in name else np.int64)
        expect(is_c_array(value, value.dtype.newbyteorder("=")), "kernels take C-contiguous, aligned arrays in the processor's byte order")
        self._kept.append(value)
        address = ctypes.c_void_p(value.ctypes.data)
        setattr(struct, name, address if kinds[name] is ctypes.c_void_p else ctypes.cast(address, kinds[name]))

    @property
    def message(self) -> str:
        """The message of the function."""
        return self._message.value.decode("utf-8", "ignore")


@functools.cache
def _kinds_of_fields(struct_type: type[ctypes.Structure]) -> dict[str, Any]:
    return {field: kind for field, kind, *_ in struct_type._fields_}


class Function:
    """A C function that takes a pointer to a call and returns an int32.

    Call it with fields of ``nnc_..._call`` and ``nnc_site`` as keyword arguments: arrays (passed by address), integers, lists of integers
    (a plan's numbers, shapes, positions of tensors), or None for NULL.
    """

    def __init__(self, kind: str, name: str, pointer: int) -> None:
        self.kind, self.name, self.pointer = kind, name, pointer
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(pointer)
        #: Message of the last call that failed.
        self.message = ""

    def __call__(self, **fields: Field) -> int:
        call = Call(self.kind, fields)
        alive = subnormals_alive()
        status: int = self._function(ctypes.addressof(call.struct))
        expect(subnormals_alive() == alive, f"{self.name} changed how this thread treats subnormal numbers and did not change it back")
        self.message = call.message if status else ""
        return status

    def prepared(self, **fields: Field) -> Callable[[], int]:
        """Prepare a call that can be repeated with less than a microsecond of overhead. Nothing is checked."""
        call = Call(self.kind, fields)
        function, address = self._function, ctypes.c_void_p(ctypes.addressof(call.struct))

        def run(keep: Call = call) -> int:  # keeps alive what the pointers point to
            status: int = function(address)
            return status

        return run

    def must(self, **fields: Field) -> None:
        """Call the function. Raises AssertionError if it reports an error."""
        status = self(**fields)
        said = f": {self.message}" if self.message else ""
        expect(status == 0, f"{self.name} returned {status}, 0 is success{said}")


def _address_in(capsule: object, label: bytes) -> int:
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get_pointer(capsule, label))


def address_of_table(capsule: object, kind: str) -> int:
    """Address of the table of a capsule, for a field of a call that points to one."""
    return _address_in(capsule, f"nncore.{kind}".encode())


def open_table(capsule: object, kind: str) -> SimpleNamespace:
    """The functions of a table by name, each a `Function`, or None where the pointer is NULL.

    Parameters
    ----------
    capsule : PyCapsule
        As returned by `nncore.plugin.Kernel.load`.
    kind : {"activation", "loss", "metric", "optimizer", "layer", "regularizer", "constraint", "transform"}

    Raises
    ------
    PluginError
        If the capsule is of another kind, or its header does not fit this version of nncore.
    """
    names, label = TABLES[kind], f"nncore.{kind}".encode()
    is_valid = ctypes.pythonapi.PyCapsule_IsValid
    is_valid.restype, is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
    if not is_valid(capsule, label):
        raise PluginError(f"the kernel of this {kind} is {capsule!r}, not a PyCapsule named 'nncore.{kind}'")
    address = _address_in(capsule, label)
    head = HeadStruct.from_address(address)
    if head.abi_major != ABI_MAJOR:
        raise PluginError(
            f"the kernel of this {kind} was built for version {head.abi_major} of nncore/plugin.h, this nncore speaks version {ABI_MAJOR}"
        )
    size = ctypes.sizeof(HeadStruct)
    if head.struct_size < size:
        raise PluginError(f"the kernel of this {kind} says it has {head.struct_size} bytes, its head alone takes {size}: use NNC_HEAD")
    n_there = min(len(names), (head.struct_size - size) // ctypes.sizeof(ctypes.c_void_p))  # an older table is shorter
    pointers = [*(ctypes.c_void_p * n_there).from_address(address + size), *[None] * (len(names) - n_there)]
    functions = {name: Function(kind, name, pointer) if pointer else None for name, pointer in zip(names, pointers, strict=True)}
    return SimpleNamespace(**functions)


def activation(capsule: object) -> SimpleNamespace:
    """``nnc_activation``: ``.forward_f32(z=z, a=a, n_rows=..., n_columns=..., hyper=hyper)`` and so on."""
    return open_table(capsule, "activation")


def loss(capsule: object) -> SimpleNamespace:
    """``nnc_loss``: ``.labels_f32(output=output, labels=labels, weight=weight, loss=loss, ...)`` and so on."""
    return open_table(capsule, "loss")


def metric(capsule: object) -> SimpleNamespace:
    """``nnc_metric``: ``.labels_f32(output=output, labels=labels, terms=terms, n_rows=..., n_terms=..., ...)`` and so on."""
    return open_table(capsule, "metric")


def optimizer(capsule: object) -> SimpleNamespace:
    """``nnc_optimizer``: ``.step_f32(w=w, g=g, state=state, n=n, stride=n, t=t, hyper=hyper)`` and so on."""
    return open_table(capsule, "optimizer")


def layer(capsule: object) -> SimpleNamespace:
    """``nnc_layer``: ``.forward_f32(x=x, y=y, parameters=parameters, n_rows=..., ...)`` and so on."""
    return open_table(capsule, "layer")


def regularizer(capsule: object) -> SimpleNamespace:
    """``nnc_regularizer``: ``.value_f32(w=w, value=value, n_rows=..., n_columns=..., stride=..., hyper=hyper)`` and so on."""
    return open_table(capsule, "regularizer")


def constraint(capsule: object) -> SimpleNamespace:
    """``nnc_constraint``: ``.project_f32(w=w, n_rows=..., n_columns=..., stride=..., rate=rate, hyper=hyper)`` and so on."""
    return open_table(capsule, "constraint")


def transform(capsule: object) -> SimpleNamespace:
    """``nnc_transform``: ``.apply_f32(source=source, x=x, n_rows=..., batch_rows=..., hyper=hyper)`` and so on."""
    return open_table(capsule, "transform")

"""The structures of ``nncore/plugin.h`` for kernels written in Python with ctypes or numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.configuration import require

_WHOLE, _SHORT, _DOUBLE = ctypes.c_int64, ctypes.c_int32, ctypes.c_double
_NUMBERS = ctypes.c_void_p  # float or double, as the function's name says
#: numba's type of a field that is not an address.
_PLAIN: dict[Any, Any] = {ctypes.c_uint64: np.uint64, _WHOLE: np.int64, _SHORT: np.int32, _DOUBLE: np.float64}
_WHOLES, _DOUBLES = ctypes.POINTER(_WHOLE), ctypes.POINTER(_DOUBLE)


class HeadStruct(ctypes.Structure):
    """``nnc_head``."""

    _fields_ = [("abi_major", ctypes.c_uint32), ("abi_minor", ctypes.c_uint32), ("struct_size", ctypes.c_uint64)]


class SiteStruct(ctypes.Structure):
    """``nnc_site``; `host` is an address."""

    _fields_ = [
        ("struct_size", ctypes.c_uint64), ("host", ctypes.c_size_t), ("hyper", _DOUBLES), ("numbers", _WHOLES), ("input_shape", _WHOLES),
        ("output_shape", _WHOLES), ("work", _NUMBERS), ("message", ctypes.POINTER(ctypes.c_uint8)), ("seed", ctypes.c_uint64),
        ("step", _WHOLE), ("layer", _SHORT), ("training", _SHORT), ("part", _SHORT), ("n_numbers", _SHORT), ("n_input_dims", _SHORT),
        ("n_output_dims", _SHORT),
    ]  # fmt: skip


_BEGIN: list[tuple[str, Any]] = [("struct_size", ctypes.c_uint64), ("site", ctypes.POINTER(SiteStruct))]


class TensorStruct(ctypes.Structure):
    """``nnc_tensor``; `w`, `g` and `state` are addresses."""

    _fields_ = [
        ("w", ctypes.c_size_t), ("g", ctypes.c_size_t), ("state", ctypes.c_size_t), ("offset", _WHOLE), ("rows", _WHOLE),
        ("columns", _WHOLE), ("layer", _SHORT), ("role", _SHORT),
    ]  # fmt: skip


class ActivationCallStruct(ctypes.Structure):
    """``nnc_activation_call``."""

    _fields_ = [*_BEGIN, *((name, _NUMBERS) for name in ("z", "a", "d_a", "d_z")), ("n_rows", _WHOLE), ("n_columns", _WHOLE)]


class LossCallStruct(ctypes.Structure):
    """``nnc_loss_call``."""

    _fields_ = [
        *_BEGIN, ("output", _NUMBERS), ("target", _NUMBERS), ("labels", _WHOLES), ("weight", _NUMBERS), ("loss", _NUMBERS),
        ("d_output", _NUMBERS), *((name, _WHOLE) for name in ("n_rows", "n_outputs", "n_targets", "first_row", "batch_rows")),
    ]  # fmt: skip


class MetricCallStruct(ctypes.Structure):
    """``nnc_metric_call``."""

    _fields_ = [
        *_BEGIN, ("output", _NUMBERS), ("target", _NUMBERS), ("labels", _WHOLES), ("terms", _DOUBLES),
        *((name, _WHOLE) for name in ("n_rows", "n_outputs", "n_targets", "n_terms")),
    ]  # fmt: skip


class OptimizerCallStruct(ctypes.Structure):
    """``nnc_optimizer_call``."""

    _fields_ = [
        *_BEGIN, ("w", _NUMBERS), ("g", _NUMBERS), ("state", _NUMBERS), ("tensors", ctypes.POINTER(TensorStruct)),
        *((name, _WHOLE) for name in ("n_tensors", "begin_tensor", "end_tensor", "n", "stride", "t")), ("norm", _DOUBLE),
    ]  # fmt: skip


class BatchSumsStruct(ctypes.Structure):
    """``nnc_batch_sums``; `own` and `other` are addresses."""

    _fields_ = [("own", ctypes.c_size_t), ("other", ctypes.c_size_t), ("other_rows", _WHOLE)]


class TouchedStruct(ctypes.Structure):
    """``nnc_touched``; `rows`, `filled` and `before` are addresses."""

    _fields_ = [("tensor", _WHOLE), *((name, ctypes.c_size_t) for name in ("rows", "filled", "before"))]


class SparseRowsStruct(ctypes.Structure):
    """``nnc_sparse_rows``; all but the numbers are addresses."""

    _fields_ = [
        ("struct_size", ctypes.c_uint64),
        *((name, ctypes.c_size_t) for name in ("begins", "ends", "columns", "values")),
        *((name, ctypes.c_size_t) for name in ("sorted_columns", "sorted_rows", "sorted_values")),
        ("n_sorted", _WHOLE),
    ]  # fmt: skip


class LayerCallStruct(ctypes.Structure):
    """``nnc_layer_call``; `activation` is an address."""

    _fields_ = [
        *_BEGIN, ("x", _NUMBERS), ("y", _NUMBERS), ("d_y", _NUMBERS), ("d_x", _NUMBERS), ("parameters", _NUMBERS),
        ("tensors", ctypes.POINTER(_NUMBERS)), ("d_parameters", _NUMBERS), ("d_tensors", ctypes.POINTER(_NUMBERS)), ("buffers", _NUMBERS),
        ("cache", _NUMBERS),
        *(
            (name, _WHOLE)
            for name in (
                "n_tensors", "n_rows", "n_inputs", "n_outputs", "first_row", "batch_rows", "begin_column", "end_column", "begin_parameter",
                "end_parameter",
            )
        ),
        ("activation", ctypes.c_size_t), ("sums", ctypes.POINTER(BatchSumsStruct)),
        ("touched", ctypes.POINTER(TouchedStruct)),
        ("sparse", ctypes.POINTER(SparseRowsStruct)),
    ]  # fmt: skip


#: What part of which tensor.
_PLACE = ("n_rows", "n_columns", "stride", "first_row", "first_column", "tensor_rows", "tensor_columns")


class RegularizerCallStruct(ctypes.Structure):
    """``nnc_regularizer_call``."""

    _fields_ = [*_BEGIN, ("w", _NUMBERS), ("g", _NUMBERS), ("value", _DOUBLES), *((name, _WHOLE) for name in _PLACE)]


class ConstraintCallStruct(ctypes.Structure):
    """``nnc_constraint_call``."""

    _fields_ = [*_BEGIN, ("w", _NUMBERS), *((name, _WHOLE) for name in _PLACE), ("rate", _DOUBLE)]


class TransformCallStruct(ctypes.Structure):
    """``nnc_transform_call``."""

    _fields_ = [
        *_BEGIN, *((name, _NUMBERS) for name in ("source", "source_target", "source_weight", "target", "weight", "x")),
        ("columns", ctypes.POINTER(ctypes.c_uint8)), *((name, _WHOLE) for name in ("n_rows", "n_inputs", "n_targets", "first_row",
        "batch_rows")),
    ]  # fmt: skip


#: What the functions of each kind of table take a pointer to.
CALLS: dict[str, type[ctypes.Structure]] = {
    "activation": ActivationCallStruct,
    "loss": LossCallStruct,
    "metric": MetricCallStruct,
    "optimizer": OptimizerCallStruct,
    "layer": LayerCallStruct,
    "regularizer": RegularizerCallStruct,
    "constraint": ConstraintCallStruct,
    "transform": TransformCallStruct,
}


@dataclass(frozen=True)
class NumbaCall:
    """Types and accessors with which a function compiled by numba reads its call; the last four are used inside it.

    Attributes
    ----------
    signature : numba signature
        For ``numba.cfunc(signature)``: the function takes one pointer, `call`.
    fields : callable
        ``c = fields(call)`` gives access to the fields: ``c.n``. A pointer is its address, a whole number.
    numbers : callable
        ``numbers(c.w)`` is a pointer to numbers of the dtype.
    hyper : callable
        ``hyper(c.site)`` is a pointer to the component's numbers, float64.
    doubles : callable
        ``doubles(c.value)`` is a pointer to numbers that are float64 for both dtypes.
    """

    signature: Any
    fields: Callable[[Any], Any]
    numbers: Callable[[int], Any]
    hyper: Callable[[int], Any]
    doubles: Callable[[int], Any]


def numba_call(kind: str, dtype: Any) -> NumbaCall:
    """Get types and accessors for writing a function of a table with ``numba.cfunc``.

    Parameters
    ----------
    kind : {"activation", "loss", "metric", "optimizer", "layer", "regularizer", "constraint", "transform"}
    dtype : dtype-like
        float32 or float64: what the pointers to numbers point to.

    Returns
    -------
    NumbaCall
    """
    numba = require("numba", extra="all", purpose="a kernel compiled by numba")
    types = numba.types

    def record(struct: type[ctypes.Structure]) -> Any:
        fields = {name: np.dtype(_PLAIN.get(field, np.uint64)) for name, field, *_ in struct._fields_}
        offsets = [getattr(struct, name).offset for name in fields]
        layout = {"names": list(fields), "formats": list(fields.values()), "offsets": offsets, "itemsize": ctypes.sizeof(struct)}
        return types.CPointer(numba.from_dtype(np.dtype(layout)))  # type: ignore[call-overload]

    def pointer(target: Any) -> Any:
        def at(context: Any, address: Any) -> tuple[Any, Any]:
            def generate(generator: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                return builder.inttoptr(arguments[0], generator.get_value_type(signature.return_type))

            return target(types.uint64), generate

        return numba.extending.intrinsic(at)

    site, doubles = pointer(record(SiteStruct)), pointer(types.CPointer(types.float64))
    carray, numbers = numba.carray, pointer(types.CPointer(numba.from_dtype(np.dtype(dtype))))
    fields = numba.njit(lambda call: carray(call, 1)[0])
    hyper = numba.njit(lambda address: doubles(carray(site(address), 1)[0].hyper))
    return NumbaCall(types.int32(record(CALLS[kind])), fields, numbers, hyper, doubles)

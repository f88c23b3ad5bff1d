"""The host's services (nnc_host of plugin.h), called from Python."""

from __future__ import annotations

import ctypes

import numpy as np

from nncore._core import native

DTYPES: dict[type, str] = {np.float32: "f32", np.float64: "f64"}


class GemmCall(ctypes.Structure):
    """``nnc_gemm_call``."""

    _fields_ = [
        ("struct_size", ctypes.c_uint64), *((name, ctypes.c_void_p) for name in ("a", "b", "start", "c")),
        *((name, ctypes.c_int64) for name in ("m", "n", "k", "a_stride", "b_stride", "start_stride", "c_stride")),
        ("a_transposed", ctypes.c_int32), ("b_transposed", ctypes.c_int32),
    ]  # fmt: skip


def services() -> dict[str, int]:
    """Addresses of the host's functions by name, as plugin.h lists them."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    maps = ("exp", "log", "tanh", "sigmoid", "sinpi", "cospi")
    names = ["gemm_f32", "gemm_f64", "random_words", *(f"{f}_{s}" for f in maps for s in ("f32", "f64"))]
    address = get(native.host, b"nncore.host")
    assert ctypes.c_uint64.from_address(address).value == 8 * (1 + len(names))
    return dict(zip(names, (ctypes.c_size_t * len(names)).from_address(address + 8), strict=True))


HOST = services()


def rows_apart(values: np.ndarray, gap: int) -> np.ndarray:
    """The matrix inside of a wider one, whose other numbers are NaN."""
    room = np.full((values.shape[0], values.shape[1] + gap), np.nan, values.dtype)
    room[:, : values.shape[1]] = values
    return room[:, : values.shape[1]]


def multiply(
    a: np.ndarray, b: np.ndarray, start: np.ndarray | None = None, c: np.ndarray | None = None, turns_a: bool = False, turns_b: bool = False
) -> np.ndarray:
    """c = start + op(a) op(b); a vector `start` is added to every row."""
    dtype = a.dtype
    (m, k), n = (a.T if turns_a else a).shape, (b.T if turns_b else b).shape[1]
    c = np.full((m, n), np.nan, dtype) if c is None else c

    def stride(matrix: np.ndarray) -> int:
        return matrix.strides[0] // dtype.itemsize

    call = GemmCall(
        ctypes.sizeof(GemmCall), a.ctypes.data, b.ctypes.data, None if start is None else start.ctypes.data, c.ctypes.data, m, n, k,
        stride(a), stride(b), 0 if start is None or start.ndim == 1 else stride(start), stride(c), turns_a, turns_b,
    )  # fmt: skip
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(HOST[f"gemm_{DTYPES[dtype.type]}"])(ctypes.addressof(call))
    return c

"""Compute formulas by NumPy: the builder that tests every formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nncore.arguments import as_dtype
from nncore.contract import Builder, Value
from nncore.words import explains_calls

_erf = np.vectorize(math.erf, otypes=[np.float64])  # NumPy has no erf


@explains_calls
class NumPyBuilder(Builder):
    """Computes a formula immediately: each node is an array.

    Parameters
    ----------
    dtype : {"float32", "float64"}, default "float32"
        Dtype of all numbers.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> from nncore.inspection import NumPyBuilder, formula
    >>> net = nn.Sequential(nn.Dense(3, activation="tanh"), nn.Dense(1)).build(2, rng=0)
    >>> X = np.ones((5, 2), "float32")
    >>> np.allclose(formula(net, NumPyBuilder(), X), net.predict(X))
    True
    """

    def __init__(self, dtype: str | np.dtype | type = "float32") -> None:
        self.dtype = as_dtype(dtype)

    def constant(self, values: np.ndarray, name: str | None) -> np.ndarray:
        """The array, converted to the builder's dtype if it holds numbers."""
        return values.astype(self.dtype, copy=False) if values.dtype.kind == "f" else values

    def apply(self, primitive: str, operands: Sequence[Value], shape: tuple[int | None, ...]) -> Any:
        """The result of a primitive."""
        arrays = [operand.node for operand in operands]
        with np.errstate(all="ignore"):  # values that `where` discards may be infinite or NaN
            if primitive == "reshape":
                return arrays[0].reshape(*arrays[0].shape[: shape.count(None)], *(length for length in shape if length is not None))
            result = FUNCTIONS[primitive](*arrays)
        return result.astype(self.dtype) if primitive == "integer_matmul" else result


def _sigmoid(a: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(a))
    return np.where(a < 0, e, a.dtype.type(1)) / (1 + e)


def _quantize(a: np.ndarray, factor: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    zero = a.dtype.type(zero_point)
    return (np.rint(np.clip(np.nan_to_num(a * factor), -zero, 255 - zero)) + zero).astype(np.uint8)


def _integer_matmul(codes: np.ndarray, weight: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    return (codes.astype(np.float64) - np.float64(zero_point)) @ weight.astype(np.float64)  # integers are exact


#: NumPy's functions for the primitives, except `reshape`.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "neg": np.negative,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": lambda a: _erf(a).astype(a.dtype),
    "floor": np.floor,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "is_nan": np.isnan,
    "logical_and": np.logical_and,
    "logical_not": np.logical_not,
    "where": np.where,
    "matmul": np.matmul,
    "quantize": _quantize,
    "integer_matmul": _integer_matmul,
    "rows": lambda table, which: table[which.astype(np.int64)],
    "columns": lambda a, which: a[..., which],
    "concat": lambda *arrays: np.concatenate(arrays, axis=-1),
    "sum": lambda a: a.sum(axis=-1, keepdims=True),
    "max": lambda a: a.max(axis=-1, keepdims=True),
}

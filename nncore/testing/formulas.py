"""Compute formulas of components by NumPy, to compare them with the components."""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nncore.contract import Activation, Encoding, Graph, Layer, Learned, Loss, Plan, Value, decision_of
from nncore.errors import NoFormulaError, PluginError
from nncore.program import NumPyBuilder, formula_of_activation, formula_of_layer, named_views
from nncore.testing.expectations import expect

#: Inputs at which formulas of activations tend to fail: both zeros, numbers much smaller than 1, saturation, overflow, NaN.
EXTREMES = (0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 1.0, -1.0, 20.0, -20.0, 1e4, -1e4, np.inf, -np.inf, np.nan)

#: Largest error of a value in float64 from the function that it claims to be, relative to 1 + |value|.
NAMED_TOLERANCE = 1e-6

_erf = np.vectorize(math.erf, otypes=[np.float64])

#: Functions that formulas may name, in NumPy.
_NAMED: dict[str, Callable[..., np.ndarray]] = {
    "expm1": np.expm1,
    "log1p": np.log1p,
    "silu": lambda a: a / (1 + np.exp(-a)),
    "gelu": lambda a: a * (0.5 + 0.5 * _erf(a / math.sqrt(2))),
    "gelu_tanh": lambda a: 0.5 * a * (1 + np.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3))),
    "mish": lambda a: a * np.tanh(np.log1p(np.exp(a))),
    "softmax": lambda a: np.exp(a - a.max(-1, keepdims=True)) / np.exp(a - a.max(-1, keepdims=True)).sum(-1, keepdims=True),
    "log_softmax": lambda a: a - a.max(-1, keepdims=True) - np.log(np.exp(a - a.max(-1, keepdims=True)).sum(-1, keepdims=True)),
    "standardize": lambda a, b: (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + b),
    "rms_normalize": lambda a, b: a / np.sqrt((a**2).mean(-1, keepdims=True) + b),
    "waves": lambda a, b, c, d, e: (np.cos(2 * math.pi * a * b + c)[..., np.newaxis] * d).sum(-2) + e,
}


class _Checking(NumPyBuilder):
    """Compares values with the functions that a formula names, since targets of exports use the functions instead of the primitives."""

    def named(self, node: Any, function: str, arguments: Sequence[Value]) -> None:
        if self.dtype != np.float64:
            return
        with np.errstate(all="ignore"):
            expected = _NAMED[function](*(argument.node for argument in arguments))
        expect(node.shape == expected.shape, f"the formula names {function!r} what has shape {node.shape}, not {expected.shape}")
        found, wanted = node[np.isfinite(expected)], expected[np.isfinite(expected)]
        off = ~(np.abs(found - wanted) <= NAMED_TOLERANCE * (1 + np.abs(wanted)))
        expect(not off.any(), f"the formula names {function!r} what is something else: {found[off][:1]}, not {wanted[off][:1]}")


def activation_by_formula(activation: Activation, z: np.ndarray) -> np.ndarray:
    """Compute φ(z) by the formula."""
    return _computed(lambda g: formula_of_activation(g, activation, g.samples(z, z.shape[1:])), z)


def layer_by_formula(layer: Layer, plan: Plan, x: np.ndarray, parameters: np.ndarray, buffers: np.ndarray) -> np.ndarray:
    """Compute a layer's outputs by its formula, shape (n_rows, n_outputs)."""
    arrays = named_views(plan.tensors, parameters) | named_views(plan.buffers, buffers)
    y = _computed(lambda g: formula_of_layer(g, layer, plan, g.samples(x, x.shape[1:]), arrays), x)
    return y.reshape(len(x), -1)


def encoding_by_formula(encoding: Encoding, columns: np.ndarray, learned: Learned) -> np.ndarray:
    """Encode columns by the formula, in float64. Times are given as seconds since 1970."""
    is_time = columns.dtype.kind == "M"
    x = (columns - np.datetime64(0, "us")) / np.timedelta64(1, "s") if is_time else columns.astype(np.float64)
    return _computed(lambda g: encoding.formula(g, g.samples(x, x.shape[1:]), learned), x)


def inverse_by_formula(encoding: Encoding, encoded: np.ndarray, learned: Learned) -> np.ndarray:
    """Decode columns by the inverse formula, in float64."""
    return _computed(lambda g: encoding.inverse_formula(g, g.samples(encoded, encoded.shape[1:]), learned), encoded)


def decided_by_formula(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    """Compute predictions from outputs by the formula."""
    return _computed(lambda g: decision_of(loss, g, g.samples(outputs, outputs.shape[1:])), outputs)


def _computed(write: Callable[[Graph], Value], x: np.ndarray) -> np.ndarray:
    """Compute a formula in the dtype of x.

    Raises
    ------
    SkipTest
        If there is no formula.
    """
    builder = _Checking(x.dtype)
    try:
        value = write(Graph(builder))
    except NoFormulaError:
        raise unittest.SkipTest("it has no formula, so that networks with it cannot be exported") from None
    except PluginError as error:
        raise AssertionError(str(error)) from None
    result = np.asarray(value.node)
    expect(result.dtype == x.dtype, f"the formula gives {result.dtype} for numbers of {x.dtype}")
    return result

"""Formulas of components, computed by NumPy, beside what the components compute themselves."""

from __future__ import annotations

import unittest
from collections.abc import Callable

import numpy as np

from nncore.contract import Activation, Encoding, Graph, Layer, Learned, Loss, Plan, Value, decision_of
from nncore.errors import NoFormulaError, PluginError
from nncore.program import NumPyBuilder, formula_of_activation, formula_of_layer, named_views
from nncore.testing.expectations import expect

#: Inputs at which formulas of activations go wrong first: both zeros, numbers that vanish beside 1, saturation, overflow, no number.
EXTREMES = (0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 1.0, -1.0, 20.0, -20.0, 1e4, -1e4, np.inf, -np.inf, np.nan)


def activation_by_formula(activation: Activation, z: np.ndarray) -> np.ndarray:
    """φ(z) by the formula."""
    return _computed(lambda g: formula_of_activation(g, activation, g.samples(z, z.shape[1:])), z)


def layer_by_formula(layer: Layer, plan: Plan, x: np.ndarray, parameters: np.ndarray, buffers: np.ndarray) -> np.ndarray:
    """What a layer predicts by its formula, (n_rows, n_outputs)."""
    arrays = named_views(plan.tensors, parameters) | named_views(plan.buffers, buffers)
    y = _computed(lambda g: formula_of_layer(g, layer, plan, g.samples(x, x.shape[1:]), arrays), x)
    return y.reshape(len(x), -1)


def encoding_by_formula(encoding: Encoding, columns: np.ndarray, learned: Learned) -> np.ndarray:
    """The encoded columns by the formula, in float64; times are seconds since 1970 for it."""
    is_time = columns.dtype.kind == "M"
    x = (columns - np.datetime64(0, "us")) / np.timedelta64(1, "s") if is_time else columns.astype(np.float64)
    return _computed(lambda g: encoding.formula(g, g.samples(x, x.shape[1:]), learned), x)


def inverse_by_formula(encoding: Encoding, encoded: np.ndarray, learned: Learned) -> np.ndarray:
    """The columns again by the formula of the inverse, in float64."""
    return _computed(lambda g: encoding.inverse_formula(g, g.samples(encoded, encoded.shape[1:]), learned), encoded)


def decided_by_formula(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    """The predictions that stand for outputs by the formula."""
    return _computed(lambda g: decision_of(loss, g, g.samples(outputs, outputs.shape[1:])), outputs)


def _computed(write: Callable[[Graph], Value], x: np.ndarray) -> np.ndarray:
    """What a formula gives in the dtype of x.

    Raises
    ------
    SkipTest
        If there is none.
    """
    builder = NumPyBuilder(x.dtype)
    try:
        value = write(Graph(builder))
    except NoFormulaError:
        raise unittest.SkipTest("it has no formula, so that networks with it cannot be exported") from None
    except PluginError as error:
        raise AssertionError(str(error)) from None
    result = np.asarray(value.node)
    expect(result.dtype == x.dtype, f"the formula gives {result.dtype} for numbers of {x.dtype}")
    return result

"""Formulas: primitives with their kinds and shapes, errors, and subclasses that must not export the base's computation."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from builders import Plain, PlainBuilder, plain

from nncore.activations.relu import ReLU
from nncore.contract import formula_of, formula_result
from nncore.errors import NoFormulaError, PluginError
from nncore.inspection import NumPyBuilder
from nncore.layers.dropout import Dropout
from nncore.plugin import PRIMITIVES, Activation, Graph, Layer, Value

CODES = np.array([[1, -2], [3, 4], [-5, 127]], np.int8)

#: An example of each primitive by its name or operator, and its result for x = [[1.5, -2, 0.25], [0.5, 3, -1]] by NumPy.
EXAMPLES: dict[str, tuple[Any, Any]] = {
    "add": (lambda g, x: x + 1, lambda x: x + 1),
    "sub": (lambda g, x: 1 - x, lambda x: 1 - x),
    "mul": (lambda g, x: 2 * x, lambda x: 2 * x),
    "div": (lambda g, x: 3 / x, lambda x: 3 / x),
    "maximum": (lambda g, x: g.maximum(x, [1, 0, -5]), lambda x: np.maximum(x, [1, 0, -5])),
    "minimum": (lambda g, x: g.minimum(0.5, x), lambda x: np.minimum(x, 0.5)),
    "neg": (lambda g, x: -x, np.negative),
    "abs": (lambda g, x: abs(x), np.abs),
    "exp": (lambda g, x: g.exp(x), np.exp),
    "log": (lambda g, x: g.log(abs(x)), lambda x: np.log(np.abs(x))),
    "sqrt": (lambda g, x: g.sqrt(x * x + 1), lambda x: np.sqrt(x * x + 1)),
    "sin": (lambda g, x: g.sin(x), np.sin),
    "cos": (lambda g, x: g.cos(x), np.cos),
    "tanh": (lambda g, x: g.tanh(x), np.tanh),
    "sigmoid": (lambda g, x: g.sigmoid(x), lambda x: 1 / (1 + np.exp(-x))),
    "erf": (lambda g, x: g.erf(x), np.vectorize(math.erf)),
    "floor": (lambda g, x: g.floor(x), np.floor),
    "less": (lambda g, x: g.where(x < 0.5, 1, 0), lambda x: x < 0.5),
    "less_equal": (lambda g, x: g.where(x <= 0.5, 1, 0), lambda x: x <= 0.5),
    "equal": (lambda g, x: g.where(x == 0.5, 1, 0), lambda x: x == 0.5),
    "is_nan": (lambda g, x: g.where(g.is_nan(g.log(x)), 1, 0), lambda x: x < 0),
    "logical_and": (lambda g, x: g.where((x > 0) & (x >= 1.5), 1, 0), lambda x: x >= 1.5),
    "logical_not": (lambda g, x: g.where((x != 3) | (x > 5), x, 7), lambda x: np.where(x == 3, 7, x)),
    "where": (lambda g, x: g.where(np.array([True, False, True]), x, -x), lambda x: x * [1, -1, 1]),
    "matmul": (lambda g, x: x @ np.arange(6.0).reshape(3, 2), lambda x: x @ np.arange(6.0).reshape(3, 2)),
    "quantize": (
        lambda g, x: g.integer_matmul(g.quantize(x, 2.0, 5), np.eye(3, dtype=np.int8), 5),
        lambda x: np.rint(np.maximum(2 * x, -5)),
    ),
    "integer_matmul": (lambda g, x: g.integer_matmul(g.quantize(x, 2.0, 5), CODES, 5), lambda x: np.rint(2 * x) @ CODES.astype(float)),
    "rows": (lambda g, x: g.reshape(g.rows(np.eye(4)[:, :2], g.floor(abs(x))), (6,)), lambda x: np.eye(4)[np.abs(x).astype(int), :2]),
    "columns": (lambda g, x: g.columns(x, [2, 0, 2]), lambda x: x[:, [2, 0, 2]]),
    "concat": (lambda g, x: g.concat([x, g.columns(x, [1]), x]), lambda x: np.hstack([x, x[:, 1:2], x])),
    "sum": (lambda g, x: g.sum(x), lambda x: x.sum(axis=1, keepdims=True)),
    "max": (lambda g, x: g.max(x), lambda x: x.max(axis=1, keepdims=True)),
    "reshape": (lambda g, x: g.sum(g.reshape(x, (3, 1))), lambda x: x),
}


def sample() -> np.ndarray:
    return np.array([[1.5, -2, 0.25], [0.5, 3, -1]])


def graph() -> tuple[Graph, Value]:
    g = Graph(PlainBuilder())
    return g, g.samples(plain(sample()), (3,))


def test_there_is_an_example_of_every_primitive():
    assert EXAMPLES.keys() == PRIMITIVES.keys()


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_computes_what_it_says_in_both_builders(name):
    write, expected = EXAMPLES[name][0], np.asarray(EXAMPLES[name][1](sample()), float)
    g, x = graph()
    found: Plain = write(g, x).node
    np.testing.assert_allclose(np.reshape(found.numbers, (2, -1)), expected.reshape(2, -1), rtol=1e-15, atol=1e-16)
    for dtype in (np.float32, np.float64):
        g = Graph(NumPyBuilder(dtype))
        value = write(g, g.samples(sample().astype(dtype), (3,)))
        assert value.node.dtype == dtype
        assert value.node.shape == (2, *value.sample_shape)
        np.testing.assert_allclose(value.node.reshape(2, -1), expected.reshape(2, -1), rtol=4 * np.finfo(dtype).eps, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in PRIMITIVES if hasattr(Graph, name)])
def test_a_method_of_a_primitive_uses_it_alone(name):
    class Names(PlainBuilder):
        def apply(self, primitive, operands, shape):
            used.append(primitive)
            return super().apply(primitive, operands, shape)

    used: list[str] = []
    g = Graph(Names())
    EXAMPLES[name][0](g, g.samples(plain(sample()), (3,)))
    assert name in used


@pytest.mark.parametrize("a", [0.0, 1e-30, -1e-30, 1e-9, -1e-9, 0.3, -0.3, 0.999, 1.001, 5.0, -5.0, 50.0, -50.0])
def test_what_is_made_of_primitives_keeps_all_digits(a):
    for dtype in (np.float32, np.float64):
        g = Graph(NumPyBuilder(dtype))
        x, eps = g.samples(np.array([[a]], dtype), (1,)), float(np.finfo(dtype).eps)
        assert g.expm1(x).node[0, 0] == pytest.approx(math.expm1(dtype(a)), rel=8 * eps, abs=0)
        if a > -1:
            assert g.log1p(x).node[0, 0] == pytest.approx(math.log1p(dtype(a)), rel=8 * eps, abs=0)
    assert g.log1p(g.samples(np.array([[np.inf]]), (1,))).node[0, 0] == np.inf
    assert g.expm1(g.samples(np.array([[np.inf]]), (1,))).node[0, 0] == np.inf


def test_softmax_and_mean_are_over_the_last_dimension():
    g = Graph(NumPyBuilder("float64"))
    x = g.samples(np.array([[0.0, np.log(3), 1000.0, 1000.0]]), (4,))
    np.testing.assert_allclose(g.softmax(g.reshape(x, (2, 2))).node, [[[0.25, 0.75], [0.5, 0.5]]])
    np.testing.assert_allclose(g.mean(g.reshape(x, (2, 2))).node, [[[np.log(3) / 2], [1000]]])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda g, x: x + np.ones(4), r"add of shapes \(n, 3\) and \(4,\): they do not broadcast"),
        (lambda g, x: x + np.ones((2, 1, 1)), r"samples must stay the first"),
        (lambda g, x: x + np.ones((2, 3)), r"they do not broadcast"),
        (lambda g, x: x @ np.ones((4, 2)), r"matmul of shapes \(n, 3\) and \(4, 2\)"),
        (lambda g, x: g.apply("matmul", np.ones((2, 3)), x), r"matmul of shapes"),
        (lambda g, x: g.rows(x, 0), r"rows of shapes \(n, 3\) and \(\): rows are taken from a table"),
        (lambda g, x: g.columns(x, [3]), r"\[3\] has an index out of range"),
        (lambda g, x: g.columns(x, [-1]), r"\[-1\] has an index out of range"),
        (lambda g, x: g.concat([x, g.reshape(x, (3, 1))]), r"concat of .*only the last dimension may differ"),
        (lambda g, x: g.sum(1.0), r"sum of shapes \(\): there is no last dimension"),
        (lambda g, x: g.sum(g.reshape(g.sum(x), ())), r"sum of shapes \(n,\): there is no last dimension"),
        (lambda g, x: g.reshape(x, (2,)), r"reshape of shapes \(n, 3\): it cannot become \(n, 2\)"),
        (lambda g, x: g.apply("reshape", x), r"reshape of shapes \(n, 3\): it cannot become None"),
        (lambda g, x: g.apply("reshape", x, shape=(3,)), r"it cannot become \(3,\)"),
        (lambda g, x: (x > 0) + 1, r"add takes a number, got a truth; g.where"),
        (lambda g, x: g.where(x, 1, 0), r"where takes a truth, got a number"),
        (lambda g, x: x if x > 0 else -x, r"choose with g.where"),
        (lambda g, x: max(x, 0), r"choose with g.where"),
        (lambda g, x: x * "2", r"takes numbers and truths, got '2'"),
        (lambda g, x: graph()[1] + x, r"a value of another formula"),
    ],
)
def test_what_a_formula_cannot_mean_is_refused(write, message):
    with pytest.raises(PluginError, match=message):
        write(*graph())


def test_functions_of_numpy_do_not_take_values():
    _, x = graph()
    with pytest.raises(TypeError):
        np.exp(x)
    assert repr(np.float64(2) * x) == "<number of shape (n, 3)>"


def test_a_reshape_that_changes_nothing_costs_nothing():
    g, x = graph()
    assert g.reshape(x, (3,)) is x
    assert g.concat([x]) is x


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda g, x: None, "it must return numbers made with g"),
        (lambda g, x: x > 0, "it must return numbers made with g"),
        (lambda g, x: graph()[1], "it must return numbers made with g"),
        (lambda g, x: g.constant(np.ones(3)), r"returned shape \(3,\); it must be \(n, 3\)"),
        (lambda g, x: g.sum(x), r"returned shape \(n, 1\); it must be \(n, 3\)"),
    ],
)
def test_a_result_is_checked(result, message):
    g, x = graph()
    with pytest.raises(PluginError, match=message):
        formula_result(result(g, x), g, (3,))


def test_a_class_without_a_formula_says_how_to_write_one():
    g, x = graph()
    with pytest.raises(NoFormulaError, match=r"Cube has no formula.*write its method formula\(self, g, z\)"):
        formula_of(type("Cube", (Activation,), {})())(g, x)
    with pytest.raises(NoFormulaError, match=r"Odd has no formula.*write its method formula\(self, g, x, tensors\)"):
        formula_of(type("Odd", (Layer,), {})())(g, x, {})


def test_a_subclass_that_computes_something_else_does_not_inherit_the_formula():
    halved = type("Halved", (ReLU,), {"forward": lambda self, z: np.maximum(z, 0) / 2})
    with pytest.raises(NoFormulaError, match="Halved overrides forward without a formula of its own"):
        formula_of(halved())
    assert formula_of(type("Again", (halved,), {"formula": lambda self, g, z: g.maximum(z, 0) / 2})())
    assert formula_of(type("Renamed", (ReLU,), {"initializer": "zeros"})())


def test_methods_of_the_base_classes_take_what_the_host_hands_them():
    assert list(inspect.signature(Activation.formula).parameters) == ["self", "g", "z"]
    assert list(inspect.signature(Layer.formula).parameters) == ["self", "g", "x", "tensors"]
    assert Dropout.formula is Layer.formula

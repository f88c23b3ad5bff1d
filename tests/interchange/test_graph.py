"""The graph into which models of other libraries are converted first: chains, shortcuts, branches, shapes, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.interchange import graph
from nncore.interchange.graph import Node
from nncore.interchange.misfits import Misfits

X = np.random.default_rng(0).normal(size=(12, 4))
START = Node("input")
DTYPE = np.dtype("float64")


def weights(n_inputs: int, n_outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n_inputs, n_outputs])
    return rng.normal(size=(n_inputs, n_outputs)), rng.normal(size=n_outputs)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def built(output: Node, shape: Any = None) -> nn.Sequential:
    return graph.assembled(output, START, shape, DTYPE, Misfits("from_elsewhere"))


def test_a_chain_with_activations_as_arguments() -> None:
    (w, b), (v, _) = weights(4, 3), weights(3, 2)
    node = graph.activation("act", graph.dense("one", START, w, b), "relu")
    net = built(graph.dense("two", graph.dropout("drop", node, 0.5), v, None))
    assert net.layer_names == ["dense_1", "dropout_1", "dense_2"]
    np.testing.assert_allclose(net.predict(X), relu(X @ w + b) @ v, atol=1e-13)


def test_shortcuts_inside_branches() -> None:
    w, b = weights(4, 4)
    v, c = -w.T, b[::-1]
    first = graph.activation("act", graph.dense("first", START, w, b), "relu")
    inner = Node("inner", (first, graph.dense("v", first, v, c)), merge="sum")
    outer = Node("outer", (graph.dense("w", inner, w, None), first), merge="sum")
    whole = Node("whole", (outer, START, graph.activation("tanh", first, "tanh")), merge="concat")
    h = relu(X @ w + b)
    expected = np.hstack([(h + h @ v + c) @ w + h, X, np.tanh(h)])
    net = built(whole)
    np.testing.assert_allclose(net.predict(X), expected, atol=1e-12)
    assert net.layer_names == ["concat_1"]


def test_a_centre_far_away_loses_no_digits() -> None:
    far = X.astype("float32") + np.float32(1e6)
    node = graph.affine("scaler", START, np.full(4, 1e6), np.full(4, 0.5), np.zeros(()))
    net = graph.assembled(node, START, None, np.dtype("float32"), Misfits("from_elsewhere"))
    np.testing.assert_array_equal(net.predict(far), (far - np.float32(1e6)) / 2)


def test_codes_of_columns() -> None:
    (table, _), (w, b) = weights(5, 3), weights(6, 2)
    codes = np.random.default_rng(0).integers(0, 5, (12, 2))
    net = built(graph.dense("out", graph.flatten("flat", graph.embedding("codes", START, table)), w, b))
    np.testing.assert_allclose(net.predict(codes), table[codes].reshape(12, 6) @ w + b, atol=1e-13)
    assert net.predict([[9, 0]]).tolist() != net.predict([[0, 0]]).tolist()


def test_samples_of_another_shape() -> None:
    w, b = weights(4, 2)
    node = graph.dense("out", graph.flatten("flat", graph.activation("act", START, "tanh")), w, b)
    net = built(node, (2, 2))
    np.testing.assert_allclose(net.predict(X.reshape(12, 2, 2)), np.tanh(X) @ w + b, atol=1e-13)
    assert built(node).layer_names == ["activation_1", "dense_1"]


@pytest.mark.parametrize(
    ("output", "match"),
    [
        (graph.activation("act", START, "relu"), "input_shape="),
        (START, "input_shape="),
        (
            graph.dense("two", graph.dense("one", START, *weights(4, 3)), *weights(4, 3)),
            "two: it takes samples of 4 numbers, and they have 3",
        ),
        (
            Node("sum", (graph.dense("one", START, *weights(4, 3)), START), merge="sum"),
            r"sum: it adds values of the shapes \(3,\) and \(4,\)",
        ),
        (graph.embedding("codes", graph.dense("one", START, *weights(4, 3)), np.ones((2, 2))), "codes: an embedding of numbers"),
        (graph.dense("out", graph.embedding("codes", START, np.ones((2, 4))), *weights(8, 3)), "Flatten before it"),
    ],
    ids=["width", "nothing", "widths", "sum", "embedding", "codes"],
)
def test_what_does_not_fit_is_said_before_anything_is_built(output: Node, match: str) -> None:
    with pytest.raises(ParameterError, match=f"from_elsewhere: (?s:.*){match}"):
        built(output)


def test_a_sum_of_a_value_with_itself_is_refused() -> None:
    h = graph.dense("one", START, *weights(4, 3))
    with pytest.raises(ParameterError, match="twice: a sum of 2 values"):
        built(Node("twice", (h, h), merge="sum"))


@pytest.mark.parametrize(("function", "library"), [(nn.from_torch, "torch"), (nn.from_keras, "keras")])
def test_a_file_is_not_read_for_its_library(function: Any, library: str) -> None:
    with pytest.raises(ParameterError, match=rf"{library}.*got 'model': load "):
        function("model")

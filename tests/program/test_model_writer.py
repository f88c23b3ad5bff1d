"""Models as graphs for export: folding, sharing, casts, omissions and errors."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.errors import PluginError
from nncore.program import ModelWriter
from nncore.testing.graphs import computed


def test_what_depends_on_constants_alone_is_computed_and_equal_constants_are_one() -> None:
    g = ModelWriter()
    x = g.input("X", (2,), "float32")
    with g.writing("network", "float32"):
        scale = g.sqrt(g.constant(np.array([4.0, 9.0]), "scale") + 0)
        g.output("predict", x * scale + g.constant(np.array([2.0, 3.0])))
    graph = g.graph({})
    assert [node.operation for node in graph.nodes] == ["input", "constant", "mul", "add"]
    assert graph.nodes[1].dtype == "float32"
    assert graph.uses() == [1, 2, 1, 1]
    assert not graph.nodes[1].values.flags.writeable


def test_numbers_beside_a_value_have_its_dtype_and_others_that_of_the_part() -> None:
    g = ModelWriter()
    wide = g.input("X", (2,), "float64")
    with g.writing("network", "float32"):
        g.output("predict", g.cast(wide + 0.1, "float32") + 0.1)
        with pytest.raises(PluginError, match="add of float32 and float64: cast one of them"):
            wide + g.constant(np.ones(2))
    dtypes = [(node.operation, node.dtype) for node in g.graph({}).nodes]
    assert ("constant", "float64") in dtypes
    assert ("constant", "float32") in dtypes


def test_what_no_output_needs_is_left_out_but_inputs() -> None:
    g = ModelWriter()
    x, y = g.input("x", (1,), "float64"), g.input("y", (1,), "float64")
    g.output("predict", x * 2)
    g.exp(y)
    graph = g.graph({"model": "test"})
    assert [node.name for node in graph.inputs] == ["x", "y"]
    assert [node.operation for node in graph.nodes] == ["input", "input", "constant", "mul"]
    assert computed(graph, {"x": np.array([[3.0]]), "y": np.array([[0.0]])})["predict"].tolist() == [[6.0]]


def test_every_node_says_what_it_computes_and_to_what_part_it_belongs() -> None:
    g = ModelWriter()
    with g.writing("columns"):
        x = g.input("x", (3,), "float64")
    with g.writing("answers"):
        g.output("predict", g.label(np.array(["a", "b", "c"], object), g.largest(-x)), 1)
    graph = g.graph({})
    assert [(node.part, node.dtype) for node in graph.nodes] == [
        ("columns", "float64"), ("answers", "float64"), ("answers", "int64"), ("answers", "text"), ("answers", "text"),
    ]  # fmt: skip
    assert all(node.meaning for node in graph.nodes)
    assert graph.outputs[0].name == "predict_1"


def test_formulas_do_not_compute_with_texts() -> None:
    g = ModelWriter()
    with pytest.raises(PluginError, match="takes a number, got a text"):
        g.input("x", (1,), "text") + 1

"""Sample graphs for tests of exporters, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.activations.gelu import GELU
from nncore.contract import PRIMITIVES, Encoding, ExportGraph, Learned, Node, TextLevels, Value
from nncore.encodings.date_parts import DateParts
from nncore.layers.batch_norm import BatchNorm
from nncore.layers.dense import Dense
from nncore.layers.embedding import Embedding
from nncore.layers.layer_norm import LayerNorm
from nncore.network import Sequential, graph_of_network
from nncore.program import ModelWriter, NumPyBuilder

Arrays = Mapping[str, np.ndarray]

#: Primitives to test on positive numbers, or on numbers of any sign.
POSITIVE = ("log", "sqrt", "div")
N_ROWS = 7


@dataclass(frozen=True, eq=False)
class Sample:
    """A graph with inputs and the resulting outputs."""

    what: str
    graph: ExportGraph
    inputs: Arrays
    outputs: Arrays


def computed(graph: ExportGraph, inputs: Arrays) -> dict[str, np.ndarray]:
    """Compute the outputs of a graph, by name. Text inputs are arrays of str, with None for missing values."""
    results: list[np.ndarray] = []
    for node in graph.nodes:
        results.append(_result(node, [results[operand] for operand in node.operands], inputs))
    return {output.name: results[output.node] for output in graph.outputs}


def _result(node: Node, operands: list[np.ndarray], inputs: Arrays) -> np.ndarray:
    if node.operation == "input":
        given = inputs[node.name]
        return given if node.dtype == "text" else given.astype(node.dtype)
    if node.operation == "constant":
        assert node.values is not None, "a constant has values"
        return node.values
    if node.operation == "cast":
        return operands[0].astype(node.dtype)
    if node.operation == "largest":
        return operands[0].argmax(axis=-1)
    if node.operation == "codes":
        assert node.levels is not None, "codes have levels"
        levels = node.levels
        codes = [levels.missing if _is_missing(text, levels) else levels.codes.get(text, levels.unknown) for text in operands[0].ravel()]
        return np.array(codes, np.float64).reshape(operands[0].shape)
    values = [Value(None, operand, ()) for operand in operands]  # type: ignore[arg-type]  # only their nodes are read
    return np.asarray(NumPyBuilder("float64").apply(node.operation, values, node.shape))


def _is_missing(text: str | None, levels: TextLevels) -> bool:
    return text is None or (text == "" and "" not in levels.codes)


def samples(dtype: str) -> Iterator[Sample]:
    """Graphs with every operation in this dtype, and some networks."""
    for primitive in PRIMITIVES:
        yield _of_primitive(primitive, dtype)
    yield _of_answers(dtype)
    yield _of_dates()
    rng = np.random.default_rng(3)
    dense = Sequential(Dense(5, activation=GELU()), BatchNorm(), LayerNorm(), Dense(3, activation="softmax"))
    table = Sequential(Embedding([3, 2], 4, columns=[0, 2]), Dense(2, activation="tanh"))
    matrix = rng.normal(size=(N_ROWS, 4))
    codes = matrix.copy()
    codes[:, 0], codes[:, 2] = rng.integers(-1, 3, N_ROWS), rng.integers(-1, 2, N_ROWS)
    for what, network, X in (("a dense network", dense, matrix), ("a network with an embedding", table, codes)):
        network.build(4, loss="mse", rng=1, dtype=dtype)
        X = X.astype(dtype)
        yield Sample(what, graph_of_network(network), {"X": X}, {"predict": network.predict(X)})


def _of_primitive(primitive: str, dtype: str) -> Sample:
    """A graph of one primitive with suitable inputs."""
    rng = np.random.default_rng(len(primitive))
    about, g = PRIMITIVES[primitive], ModelWriter()
    inputs: dict[str, np.ndarray] = {}

    def number(shape: tuple[int, ...] = (2, 3)) -> Value:
        name = f"x{len(inputs)}"
        drawn = rng.normal(size=(N_ROWS, *shape)) * 2
        inputs[name] = (np.abs(drawn) + 0.1 if primitive in POSITIVE else drawn).astype(dtype)
        return g.input(name, shape, dtype)

    def truth() -> Value:
        return number() < 0.5

    codes = rng.integers(-128, 128, (3, 20)).astype(np.int8)

    with g.writing("test", dtype):
        special: dict[str, Any] = {
            "matmul": lambda: g.apply("matmul", number(), rng.normal(size=(3, 4))),
            "quantize": lambda: g.integer_matmul(g.quantize(number(), 30.7, 100), np.eye(3, dtype=np.int8), 90),
            "integer_matmul": lambda: g.integer_matmul(g.quantize(number(), 30.7, 100), codes, 100),
            "rows": lambda: g.rows(rng.normal(size=(5, 2)), g.floor(g.minimum(abs(number()), 4))),
            "columns": lambda: g.columns(number(), [2, 0, 0]),
            "concat": lambda: g.concat([number(), number((2, 1)), number()]),
            "reshape": lambda: g.reshape(number(), (3, 2)),
            "where": lambda: g.where(truth(), number(), -1),
            "is_nan": lambda: g.is_nan(g.log(number())),
            "div": lambda: number() / number((1, 3)),
            "add": lambda: number() + rng.normal(size=3),
        }
        plain = {"number": number, "truth": truth}
        result = special[primitive]() if primitive in special else g.apply(primitive, *(plain[kind]() for kind in about.operands))
        g.output("predict", g.cast(result, "int64") if about.result == "truth" else result)
    graph = g.graph({"model": primitive})
    return Sample(f"the primitive {primitive}", graph, inputs, computed(graph, inputs))


def _of_answers(dtype: str) -> Sample:
    """A graph with text and number inputs, text and integer classes, and several dtypes."""
    rng = np.random.default_rng(5)
    g = ModelWriter()
    with g.writing("columns"):
        colour = g.codes(g.input("colour, π", (1,), "text"), TextLevels({"red": 0, 'it\'s "blue"\\': 1, "": 2}, -1, -1))
        size = g.codes(g.input("size", (1,), "text"), TextLevels({"s": 0, "m": 1}, 2, -1))
        matrix = g.concat([colour, size, g.input("weight", (1,), "float64") - 1.7e9])
        g.input("nobody needs it", (1,), "float64")
    with g.writing("network", dtype):
        scores = g.cast(matrix, dtype) @ rng.normal(size=(3, 4))
    with g.writing("answers", dtype):
        g.output("predict", g.label(np.array(["a", "", "ü", 'q"\\']), g.largest(scores)), 0)
        g.output("predict", g.label(np.array([7, -2, 3, 2**40]), g.largest(-scores)), 1)
        g.output("predict_proba", g.softmax(scores), 0)
        g.output("predict_proba", g.cast(g.softmax(-scores), "float64"), 1)
    graph = g.graph({"model": 'a """model"""\\', "classes": "ü"})
    inputs = {
        "colour, π": np.array([["red"], ["it's \"blue\"\\"], [""], ["green"], ["red"]], object),
        "size": np.array([["s"], [""], ["m"], ["l"], ["s"]], object),
        "weight": 1.7e9 + rng.normal(size=(5, 1)), "nobody needs it": np.zeros((5, 1)),
    }  # fmt: skip
    return Sample("columns and classes", graph, inputs, computed(graph, inputs))


def _learned(encoding: Encoding, times: np.ndarray) -> Learned:
    statistics = encoding.statistics(times.shape[1])
    for statistic in statistics:
        statistic.add(times, None)
    return encoding.learn(statistics, times.shape[1])


def _of_dates() -> Sample:
    """A graph that computes parts of dates, given as seconds: leap days and others, also before 1970 and missing."""
    texts = "2024-02-29T23:59:59.5 1900-02-28 2000-12-31T12:00 1969-12-31T23:59:59 NaT 2100-03-01 1600-02-29 1999-01-01"
    times = np.array(texts.split(), "datetime64[us]")[:, None]
    g = ModelWriter()
    visited = g.times("visited")
    encodings = [DateParts(**arguments) for arguments in DateParts.examples]
    with g.writing("columns"):
        g.output("predict", g.concat([one.formula(g, visited, _learned(one, times)) for one in encodings]))
    graph = g.graph({"model": "dates"})
    inputs = {"visited": (times - np.datetime64(0, "us")) / np.timedelta64(1, "s")}
    return Sample("columns of dates", graph, inputs, computed(graph, inputs))

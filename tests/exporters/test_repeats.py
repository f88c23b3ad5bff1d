"""Networks of an ensemble with equal structure are found, and a module of NumPy contains their code once."""

from __future__ import annotations

import numpy as np
from exported import run_module

from nncore.contract import ExportGraph, Node
from nncore.exporters.numpy import NumPyModule
from nncore.exporters.repeats import stretches
from nncore.program import ModelWriter
from nncore.testing.graphs import computed


def ensemble(n_networks: int = 4, odd: float = 2.0) -> ExportGraph:
    """Networks with different weights. Biases of the second are equal, the third shares one with the first, the last has another factor."""
    rng = np.random.default_rng(0)
    g = ModelWriter()
    X = g.input("X", (3,), "float64")
    shared = rng.normal(size=5)
    outputs = []
    for number in range(n_networks):
        weights = [rng.normal(size=(3, 5)), rng.normal(size=(5, 5))]
        biases = [shared, shared] if number == 1 else [shared, rng.normal(size=5)] if number == 2 else list(rng.normal(size=(2, 5)))
        with g.writing(f"network {number + 1}", prefix=f"network_{number + 1}."):
            h = X
            for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                h = g.tanh(h @ g.constant(weight, f"dense_{layer}.weight") + g.constant(bias, f"dense_{layer}.bias")) * 2.0
                h = g.maximum(h, 0.25)
            outputs += [h / (odd if number == n_networks - 1 else 2.0), g.columns(h, [1, 0])]
    with g.writing("answers"):
        g.output("predict", g.concat(outputs))
    return g.graph({"model": "an ensemble"})


def is_number(node: Node) -> bool:
    return node.shape == () or node.dtype == "int64"


def test_networks_are_alike_but_for_arrays() -> None:
    found = stretches(ensemble(), is_number)
    keys = [one.key for one in found if one.kind == "network"]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert keys[0] is not None
    assert [one.key for one in found if one.kind != "network"] == [None, None]
    networks = [one for one in found if one.kind == "network"]
    assert {len(one.constants) for one in networks} == {4}
    assert len(set(networks[1].constants)) == 3
    assert {len(one.results) for one in networks} == {2}


def test_another_number_makes_another_network() -> None:
    keys = [one.key for one in stretches(ensemble(odd=3.0), is_number) if one.kind == "network"]
    assert len(set(keys[:3])) == 1
    assert keys[3] is None


def test_few_operations_are_no_stretch_to_call() -> None:
    g = ModelWriter()
    X = g.input("X", (3,), "float64")
    for number in (1, 2):
        with g.writing(f"network {number}"):
            g.output("predict", X @ np.full((3, 1), float(number)), number)
    assert {one.key for one in stretches(g.graph({}), is_number)} == {None}


def test_a_module_has_one_function_for_all() -> None:
    X = np.random.default_rng(1).normal(size=(6, 3))
    for odd, n_inside in ((2.0, 0), (3.0, 2)):
        graph = ensemble(odd=odd)
        content = NumPyModule().export(graph)
        text = content.decode()
        assert text.count("def _compute_network(") == 1
        assert text[text.index("def _compute(X)") :].count("np.tanh") == n_inside
        np.testing.assert_array_equal(run_module(content, {"X": X})["predict"], computed(graph, {"X": X})["predict"])

"""The page on exports lists which components each target supports, and covers the whole registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import components
import pytest
from pages import table_rows

import nncore as nn
from nncore import registry
from nncore.contract import ExportGraph, activation_for
from nncore.errors import ExportError, NoFormulaError
from nncore.network import graph_of_network
from nncore.plugin import Encoding, Exporter
from nncore.testing.conformance import required_arguments
from nncore.testing.widths import outputs_for

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "export-onnx-numpy.md"
EXPORTERS = ("numpy", "onnx", "c")


def graphs(kind: str) -> Iterator[tuple[str, Callable[[], ExportGraph]]]:
    """Networks, one for each component of a kind: without arguments, or with those of its examples."""
    for name in registry.names(kind):
        cls: Any = registry.get(kind, name)
        required = "examples" not in vars(cls) and required_arguments(cls)
        arguments = cls.examples[0] if getattr(cls, "examples", ()) else {}
        if name == "softmax_heads" and kind == "activations":
            arguments, required = {"n_classes": [2, 2]}, False
        assert not required, f"{name} has no examples"
        yield name, partial(graph_of, kind, cls, arguments)


def graph_of(kind: str, cls: Any, arguments: Any) -> ExportGraph:
    return graph_of_network(network(kind, cls(**arguments)))


def network(kind: str, one: Any) -> nn.Sequential:
    if kind == "layers":
        return nn.Sequential(components.framed(one), nn.Flatten()).build(components.N_INPUTS, rng=0)
    if kind == "activations":
        return nn.Sequential(nn.ActivationLayer(one)).build(4, rng=0)
    n_outputs = outputs_for(one, 3)
    return nn.Sequential(nn.Dense(n_outputs, activation=activation_for(one, n_outputs))).build(4, loss=one, rng=0)


def row(kind: str) -> list[str]:
    """A row of the table: the kind, its components, and those exported to each target."""
    names = registry.names(kind)
    cells = []
    for exporter in (registry.resolve("exporters", name) for name in EXPORTERS):
        if kind == "encodings":
            stayed = [name for name in names if registry.get(kind, name).formula is Encoding.formula]
        else:
            stayed = [name for name, graph in graphs(kind) if not leaves(exporter, graph)]
        cells.append(f"all but {written(stayed)}" if stayed else "all")
    return [kind, written(names), *cells]


def leaves(exporter: Exporter, graph: Callable[[], ExportGraph]) -> bool:
    try:
        return len(exporter.export(graph())) > 0
    except (NoFormulaError, ExportError):
        return False


def written(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


@pytest.mark.parametrize("kind", ["layers", "activations", "losses", "encodings"])
def test_the_table_is_what_the_registry_has(kind: str) -> None:
    pytest.importorskip("onnx")
    rows = table_rows(PAGE.read_text(encoding="utf-8"))
    assert ["", "components", *(f"`{registry.get('exporters', name).suffixes[0]}`" for name in EXPORTERS)] in rows
    assert row(kind) in rows, f"the row should be\n| {' | '.join(row(kind))} |"


def test_the_table_has_all_targets() -> None:
    built_in = {name for name in registry.names("exporters") if registry.component("exporters", name).plugin.built_in}
    assert set(EXPORTERS) == built_in

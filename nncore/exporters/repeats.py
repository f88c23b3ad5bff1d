"""Parts of a graph that do the same with other arrays, such as the networks of an ensemble."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import groupby

from nncore.plugin import ExportGraph, Node

#: Parts of fewer operations are not worth a function.
LEAST = 8


@dataclass(frozen=True)
class Stretch:
    """Operations of one part of a model that follow each other.

    Attributes
    ----------
    part : str
        As `Node.part`: ``"network 2"``.
    numbers : tuple of int
        Of the nodes, constants left out.
    inputs : tuple of int
        Nodes before them that they take, each once.
    constants : tuple of int
        Those that `is_literal` does not hold for, once for each operand that is one: two that are equal by chance in one of several
        networks are not in the others.
    results : tuple of int
        Those of them that are used later.
    key : hashable or None
        A key that is equal for sequences of operations that differ only in inputs and constants; None if there is no other.
    """

    part: str
    numbers: tuple[int, ...]
    inputs: tuple[int, ...]
    constants: tuple[int, ...]
    results: tuple[int, ...]
    key: Hashable

    @property
    def kind(self) -> str:
        """The part without its number: ``"network"``."""
        return re.sub(r" \d+$", "", self.part)


def stretches(graph: ExportGraph, is_literal: Callable[[Node], bool]) -> list[Stretch]:
    """All operations of a graph but constants, in their order.

    Parameters
    ----------
    graph : ExportGraph
    is_literal : callable
        Whether a constant is written where it is used, so that stretches with other such constants do something else.
    """
    operations = [number for number, node in enumerate(graph.nodes) if node.operation != "constant"]
    runs = [tuple(run) for _, run in groupby(operations, lambda number: graph.nodes[number].part)]
    last_use: dict[int, int] = {output.node: len(graph.nodes) for output in graph.outputs}
    for number, node in enumerate(graph.nodes):
        for operand in node.operands:
            last_use[operand] = max(number, last_use.get(operand, 0))
    found = [_stretch(graph, run, is_literal, last_use) for run in runs]
    counts = Counter(one.key for one in found)
    return [Stretch(**vars(one) | {"key": one.key if counts[one.key] > 1 else None}) for one in found]


def _stretch(graph: ExportGraph, numbers: tuple[int, ...], is_literal: Callable[[Node], bool], last_use: dict[int, int]) -> Stretch:
    place = {number: index for index, number in enumerate(numbers)}
    inputs: dict[int, int] = {}
    constants: list[int] = []

    def reference(operand: int) -> Hashable:
        node = graph.nodes[operand]
        if operand in place:
            return "here", place[operand]
        if node.operation != "constant":
            return "input", inputs.setdefault(operand, len(inputs)), node.dtype, node.shape
        assert node.values is not None, "a constant has values"
        if is_literal(node):
            return "literal", node.dtype, node.values.tobytes(), node.shape
        constants.append(operand)
        return "constant", node.dtype, node.shape

    nodes = [graph.nodes[number] for number in numbers]
    steps = tuple((node.operation, node.shape, node.dtype, *map(reference, node.operands)) for node in nodes)
    results = tuple(number for number in numbers if last_use.get(number, 0) > numbers[-1])
    part = nodes[0].part
    stretch = Stretch(part, numbers, tuple(inputs), tuple(constants), results, None)
    if len(numbers) < LEAST or any(node.operation in ("input", "codes") for node in nodes):
        return stretch
    return Stretch(**vars(stretch) | {"key": (stretch.kind, steps, tuple(place[number] for number in results))})

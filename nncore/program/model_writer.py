"""Write a whole model as one graph for export: columns, encodings, networks and predictions, in several dtypes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from nncore.contract import TIMES, ExportGraph, Graph, Node, Output, TextLevels, Value
from nncore.program.recorder import Recorder

#: Names of kinds of dtypes in formulas, which do not compute with text.
KINDS = {"float32": "number", "float64": "number", "bool": "truth", "int64": "index", "uint8": "code", "int8": "code", "text": "text"}


class ModelWriter(Graph):
    """The graph that formulas are written to when a model is exported. It has operations that components do not use: `OPERATIONS`."""

    def __init__(self) -> None:
        self._recorder = Recorder()
        super().__init__(self._recorder)
        self._outputs: list[Output] = []

    @contextmanager
    def writing(self, part: str, dtype: str = "float64", prefix: str = "") -> Iterator[None]:
        """Write a part of the model inside the ``with`` block. Its constants have this dtype, and its tensors this prefix."""
        recorder = self._recorder
        before = recorder.part, recorder.dtype, recorder.prefix
        recorder.part, recorder.dtype, recorder.prefix = part, dtype, prefix
        try:
            yield
        finally:
            recorder.part, recorder.dtype, recorder.prefix = before

    def apply(self, primitive: str, *operands: Any, shape: tuple[int | None, ...] | None = None) -> Value:
        """Like `Graph.apply`. Numbers get the dtype of the values among the operands."""
        recorder = self._recorder
        found = (self.dtype_of(one) for one in operands if isinstance(one, Value))
        before, recorder.dtype = recorder.dtype, next((dtype for dtype in found if dtype.startswith("float")), recorder.dtype)
        try:
            return super().apply(primitive, *operands, shape=shape)
        finally:
            recorder.dtype = before

    def dtype_of(self, value: Value) -> str:
        """The dtype of a value, as in `Node`."""
        return self._recorder.nodes[value.node].dtype

    # ---- operations in addition to primitives ---------------------------------------------------------------------------------------

    def input(self, name: str, shape: tuple[int, ...], dtype: str) -> Value:
        """An input of the graph: samples of `shape`."""
        return self._added("input", (), (None, *shape), dtype, name=name)

    def times(self, name: str) -> Value:
        """An input of dates and times: one float64 number for each sample, see `TIMES`."""
        return self._added("input", (), (None, 1), "float64", name=name, is_time=True)

    def cast(self, value: Value, dtype: str) -> Value:
        """Convert to another dtype. Booleans become 0 and 1."""
        return value if self.dtype_of(value) == dtype else self._added("cast", (value,), value.shape, dtype)

    def codes(self, texts: Value, levels: TextLevels) -> Value:
        """The code of each text, as float64."""
        return self._added("codes", (texts,), texts.shape, "float64", levels=levels)

    def largest(self, value: Value) -> Value:
        """Argmax over the last dimension, which is removed. Of equal values, the first."""
        return self._added("largest", (value,), value.shape[:-1], "int64")

    def label(self, classes: np.ndarray, index: Value) -> Value:
        """The class of each index. Integer classes become int64, and objects that are strings become text."""
        with self.writing(self._recorder.part):
            values = classes.astype(np.int64) if classes.dtype.kind in "iu" else classes
            table = Value(self, self._recorder.constant(values, "classes"), classes.shape)
        return self._added("rows", (table, index), index.shape, self.dtype_of(table))

    def _added(self, operation: str, operands: Sequence[Value], shape: tuple[int | None, ...], dtype: str, **more: object) -> Value:
        node = self._recorder.add(operation, [operand.node for operand in operands], shape, dtype, **more)
        return Value(self, node, shape, KINDS[dtype])

    # ---- results ------------------------------------------------------------------------------------------------------------

    def output(self, method: str, value: Value, position: int | None = None) -> None:
        """Make a value the result of a method."""
        self._outputs.append(Output(method, value.node, position))

    def graph(self, about: Mapping[str, str]) -> ExportGraph:
        """The graph of everything that the outputs need. `about` also names inputs with dates."""
        nodes = self._recorder.nodes
        is_needed = [node.operation == "input" for node in nodes]
        for output in self._outputs:
            is_needed[output.node] = True
        for number in reversed(range(len(nodes))):
            for operand in (*nodes[number].operands, *nodes[number].arguments) if is_needed[number] else ():
                is_needed[operand] = True
        place = {number: new for new, number in enumerate(number for number, needed in enumerate(is_needed) if needed)}
        kept = tuple(_moved(nodes[number], place) for number in place)
        dates = ", ".join(node.name for node in kept if node.is_time)
        said = dict(about) | ({"dates": f"{dates}: {TIMES}"} if dates else {})
        return ExportGraph(kept, tuple(replace(output, node=place[output.node]) for output in self._outputs), said)


def _moved(node: Node, place: Mapping[int, int]) -> Node:
    """The node with other nodes renumbered."""
    arguments = tuple(place[one] for one in node.arguments)
    return replace(node, operands=tuple(place[one] for one in node.operands), arguments=arguments)

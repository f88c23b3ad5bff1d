"""Record the operations of a model's formulas, for exporters to translate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nncore.contract import PRIMITIVES, Builder, Node, Value
from nncore.errors import PluginError
from nncore.program.numpy_builder import NumPyBuilder

#: Primitives whose result has the dtype of an operand, and the index of that operand. Other results have the dtype of their numbers.
_DTYPE_OF = {"rows": 0, "columns": 0, "reshape": 0, "where": 1}
#: Dtypes of results that are not numbers.
_DTYPE_OF_KIND = {"truth": "bool", "code": "uint8"}


class Recorder(Builder):
    """Records every operation; a node is its number. Operations on constants are computed immediately, and equal constants are merged.

    Attributes
    ----------
    dtype : str
        Dtype of new numeric constants.
    part, prefix : str
        The current part of the model, as in `Node`, and the prefix of the names of its tensors.
    nodes : list of Node
    """

    def __init__(self) -> None:
        self.dtype, self.part, self.prefix = "float64", "", ""
        self.nodes: list[Node] = []
        self._constants: dict[Any, int] = {}

    def add(self, operation: str, operands: Sequence[int], shape: tuple[int | None, ...], dtype: str, **more: Any) -> int:
        """Record an operation."""
        self.nodes.append(Node(operation, tuple(operands), shape, dtype, part=self.part, **more))
        return len(self.nodes) - 1

    def constant(self, values: np.ndarray, name: str | None) -> int:
        """Record a constant: floats, booleans, integers or text."""
        is_text = values.dtype.kind in "UO"
        dtype = self.dtype if values.dtype.kind == "f" else "text" if is_text else str(values.dtype)
        array = np.array(values, str if is_text else dtype, order="C")  # a copy, since tensors are views of the network
        key = dtype, array.shape, tuple(array.tolist()) if is_text else array.tobytes()
        if key not in self._constants:
            array.flags.writeable = False
            called = f"{self.prefix}{name}" if name else ""
            self._constants[key] = self.add("constant", (), array.shape, dtype, values=array, name=called)
        return self._constants[key]

    def named(self, node: int, function: str, arguments: Sequence[Value]) -> None:
        """Record the function that a node computes, unless it has become a constant."""
        if self.nodes[node].operation != "constant":
            self.nodes[node] = replace(self.nodes[node], function=function, arguments=tuple(argument.node for argument in arguments))

    def apply(self, primitive: str, operands: Sequence[Value], shape: tuple[int | None, ...]) -> int:
        """Record a primitive."""
        nodes = [self.nodes[operand.node] for operand in operands]
        numbers = sorted({node.dtype for node in nodes if node.dtype.startswith("float")})
        if len(numbers) > 1 and primitive != "rows":
            raise PluginError(f"{primitive} of {' and '.join(numbers)}: cast one of them")
        dtype = _DTYPE_OF_KIND.get(PRIMITIVES[primitive].result) or nodes[_DTYPE_OF.get(primitive, 0)].dtype
        dtype = self.dtype if primitive == "integer_matmul" else dtype
        if any(node.operation != "constant" for node in nodes):
            return self.add(primitive, [operand.node for operand in operands], shape, dtype)
        arrays = [Value(operand.graph, node.values, operand.shape, operand.kind) for operand, node in zip(operands, nodes, strict=True)]
        values = np.asarray(NumPyBuilder(numbers[0] if numbers else self.dtype).apply(primitive, arrays, shape))
        before, self.dtype = self.dtype, dtype if dtype.startswith("float") else self.dtype
        try:
            return self.constant(values, None)
        finally:
            self.dtype = before

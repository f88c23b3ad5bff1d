"""A model for ONNX runtimes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from nncore.configuration import require
from nncore.errors import ExportError
from nncore.exporters.names import new_name
from nncore.plugin import PRIMITIVES, TIMES, Exporter, ExportGraph, Node

#: Versions of the operators that models use: of ONNX, and of its operators for classical models.
OPSET, ML_OPSET = 18, 3
#: Of the file; the first that has this opset.
IR_VERSION = 8

#: The most bytes of a file, which is a message of protobuf.
MOST_BYTES = 2**31 - 1

#: ONNX's numbers of dtypes: `TensorProto.DataType`.
DTYPES: Final[dict[str, int]] = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "text": 8, "bool": 9, "float64": 11}

#: Operators that runtimes support only for float32.
ONLY_FLOAT32 = ("erf",)


class ONNX(Exporter):
    """A model for ONNX runtimes, opset 18: any number of samples, and outputs called as the methods that give them in nncore.

    Models of columns have an input for each, of shape (n, 1): texts or numbers. ONNX has no type for dates: they are float64, seconds since
    1970-01-01 00:00 in UTC, NaN where missing, and the metadata ``dates`` say which inputs hold them. Needs the extra ``onnx``.
    """

    suffixes = (".onnx",)

    def export(self, graph: ExportGraph) -> bytes:
        onnx = require("onnx", extra="onnx", purpose="writing ONNX files")
        n_bytes = sum(node.values.nbytes for node in graph.nodes if node.values is not None)
        if n_bytes > MOST_BYTES:
            raise ExportError(f"the arrays of this model have {n_bytes:,} bytes, but an ONNX file holds at most {MOST_BYTES:,}")
        model = _Model(graph, onnx).model()
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


class _Model:
    """Makes one model."""

    def __init__(self, graph: ExportGraph, onnx: Any) -> None:
        self.graph, self.helper, self.numpy_helper = graph, onnx.helper, onnx.numpy_helper
        self.names: list[str] = []
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shapes: dict[tuple[int, ...], str] = {}
        self.one = ""  # the name of the constant 1
        self.shift: tuple[str, ...] = ()  # those of the constant 128, as int32 and uint8
        self.taken = {output.name for output in graph.outputs}

    def model(self) -> Any:
        helper, graph, uses = self.helper, self.graph, self.graph.uses()
        for number, node in enumerate(graph.nodes):
            self.names.append(self._name(node.name or f"{node.operation}_{number}"))
            if node.operation == "constant" and not uses[number]:  # an argument of a function
                continue
            if node.operation == "constant":
                self._constant(self.names[-1], node)
            elif node.operation != "input":
                self._operation(self.names[-1], node, [self.names[operand] for operand in node.operands])
        for output in graph.outputs:
            self._add("Identity", [self.names[output.node]], output.name)
        inputs = [
            helper.make_tensor_value_info(name, DTYPES[node.dtype], _dimensions(node), TIMES if node.is_time else "")
            for name, node in zip(self.names, graph.nodes, strict=True)
            if node.operation == "input"
        ]
        nodes = [graph.nodes[output.node] for output in graph.outputs]
        outputs = [
            helper.make_tensor_value_info(output.name, DTYPES[node.dtype], _dimensions(node))
            for output, node in zip(graph.outputs, nodes, strict=True)
        ]
        made = helper.make_graph(self.nodes, graph.about.get("model", "model"), inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        about = {key: value for key, value in graph.about.items() if key != "written by"}
        model = helper.make_model(made, opset_imports=opsets, producer_name=graph.about.get("written by", "nncore"), ir_version=IR_VERSION)
        helper.set_model_props(model, about)
        return model

    def _name(self, wish: str) -> str:
        """A new name of a value; that of an output is taken."""
        return new_name(wish, self.taken)

    # ---- nodes --------------------------------------------------------------------------------------------------------------

    def _add(self, operator: str, operands: Sequence[str], name: str, **attributes: Any) -> str:
        self.nodes.append(self.helper.make_node(operator, list(operands), [name], name=name, **attributes))
        return name

    def _constant(self, name: str, node: Node) -> None:
        values = node.values
        assert values is not None, "a constant has values"
        if node.dtype == "text":
            texts = [text.encode() for text in values.ravel().tolist()]
            self.constants.append(self.helper.make_tensor(name, DTYPES["text"], values.shape, texts))
        else:
            self.constants.append(self.numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))

    def _lengths(self, shape: tuple[int, ...]) -> str:
        """The name of a constant of whole numbers."""
        if shape not in self.shapes:
            self.shapes[shape] = self._name(f"lengths_{len(self.shapes) + 1}")
            self.constants.append(self.numpy_helper.from_array(np.array(shape, np.int64), self.shapes[shape]))
        return self.shapes[shape]

    def _operation(self, name: str, node: Node, operands: list[str]) -> None:
        operation = node.operation
        if operation == "codes":
            self._codes(name, node, operands[0])
        elif operation == "cast":
            self._add("Cast", operands, name, to=DTYPES[node.dtype])
        elif operation == "largest":
            self._add("ArgMax", operands, name, axis=-1, keepdims=0)
        elif operation == "reshape":
            # 0 stands for the length that is there: that of the samples.
            self._add("Reshape", [*operands, self._lengths(tuple(length or 0 for length in node.shape))], name)
        elif operation == "rows":
            which = self._add("Cast", operands[1:], self._name(f"{name}_index"), to=DTYPES["int64"])
            self._add("Gather", [operands[0], which], name, axis=0)
        elif operation == "quantize":
            self._quantize(name, operands, self.graph.nodes[node.operands[0]].dtype)
        elif operation == "integer_matmul":
            self._integer_matmul(name, operands, node.dtype)
        elif operation == "columns":
            self._add("Gather", operands, name, axis=-1)
        elif operation == "concat":
            self._add("Concat", operands, name, axis=-1)
        elif operation in ("sum", "max"):
            self._add("ReduceSum" if operation == "sum" else "ReduceMax", [*operands, self._lengths((-1,))], name, keepdims=1)
        elif operation in ONLY_FLOAT32 and node.dtype != "float32":
            narrow = self._add("Cast", operands, self._name(f"{name}_narrow"), to=DTYPES["float32"])
            found = self._add(PRIMITIVES[operation].onnx, [narrow], self._name(f"{name}_found"))
            self._add("Cast", [found], name, to=DTYPES[node.dtype])
        else:
            self._add(PRIMITIVES[operation].onnx, operands, name)

    def _quantize(self, name: str, operands: list[str], dtype: str) -> None:
        """By a step of 1, since the numbers are multiplied before as nncore does it: a quotient may round to another code."""
        steps = self._add("Mul", operands[:2], self._name(f"{name}_steps"))
        if dtype != "float32":  # only float32 is rounded
            rounded = self._add("Round", [steps], self._name(f"{name}_rounded"))
            steps = self._add("Cast", [rounded], self._name(f"{name}_narrow"), to=DTYPES["float32"])
        if not self.one:
            self.one = self._name("one")
            self.constants.append(self.numpy_helper.from_array(np.array(1, np.float32), self.one))
        self._add("QuantizeLinear", [steps, self.one, operands[2]], name)

    def _integer_matmul(self, name: str, operands: list[str], dtype: str) -> None:
        """Multiply by weights without a sign, 128 larger. Without VNNI, ONNX Runtime adds two products of signed weights in 16 bits, and
        that sum saturates. The file keeps the signed ones."""
        codes, weight, zero_point = operands
        if not self.shift:
            self.shift = self._name("shift"), self._name("shift_code")
            for constant, of in zip(self.shift, (np.int32, np.uint8), strict=True):
                self.constants.append(self.numpy_helper.from_array(np.array(128, of), constant))
        wide = self._add("Cast", [weight], self._name(f"{name}_wide"), to=DTYPES["int32"])
        shifted = self._add("Add", [wide, self.shift[0]], self._name(f"{name}_shifted"))
        unsigned = self._add("Cast", [shifted], self._name(f"{name}_unsigned"), to=DTYPES["uint8"])
        sums = self._add("MatMulInteger", [codes, unsigned, zero_point, self.shift[1]], self._name(f"{name}_sums"))
        self._add("Cast", [sums], name, to=DTYPES[dtype])

    def _codes(self, name: str, node: Node, operand: str) -> None:
        levels = node.levels
        assert levels is not None, "codes have levels"
        codes = {"": levels.missing} | levels.codes
        found = self._name(f"{name}_found")
        keys, values = [key.encode() for key in codes], list(map(float, codes.values()))
        self._add(
            "LabelEncoder",
            [operand],
            found,
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_floats=values,
            default_float=float(levels.unknown),
        )
        self._add("Cast", [found], name, to=DTYPES[node.dtype])


def _dimensions(node: Node) -> list[int | str]:
    return ["n" if length is None else length for length in node.shape]

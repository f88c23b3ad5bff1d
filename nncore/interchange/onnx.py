"""Convert ONNX graphs to networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nncore.configuration import require
from nncore.errors import FileFormatError, ParameterError
from nncore.files import FilePlace
from nncore.interchange import graph
from nncore.interchange.graph import Node
from nncore.interchange.misfits import NOT_DENSE, OWN_ACTIVATION, Misfits
from nncore.layers.activation import ActivationLayer
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.words import explains_calls

#: Operators that are activations without arguments.
ACTIVATIONS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Exp": "exp", "Mish": "mish", "Sign": "sign",
    "HardSwish": "hard_swish", "Softsign": "softsign",
}  # fmt: skip
#: Activations that nncore does not have.
OTHERS = ("ThresholdedRelu", "Shrink", "Hardmax")
#: Default arguments of Selu in ONNX.
SELU = {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}
#: Operators that only move the numbers of a constant.
MOVES: dict[str, Callable[..., np.ndarray]] = {
    "Identity": lambda array, **_: array,
    "Transpose": lambda array, perm=None, **_: np.transpose(array, perm),
    "Reshape": lambda array, shape, **_: array.reshape([n or array.shape[i] for i, n in enumerate(shape)]),
    "Squeeze": lambda array, axes=None, **_: np.squeeze(array, None if axes is None else tuple(axes)),
    "Unsqueeze": lambda array, axes, **_: np.expand_dims(array, tuple(axes)),
}
#: Above this threshold, exporters write softplus(x) as x, with an error of at most 2e-9.
LARGE = 20

#: Placeholder for a shape that the graph computes.
SHAPE = object()

Attributes = Mapping[str, Any]
Terms = tuple[Node, np.ndarray, np.ndarray, np.ndarray]


@explains_calls
def from_onnx(path: Any, *, output: str | None = None) -> Sequential:
    """Convert an ONNX graph, as exporters of PyTorch, scikit-learn, Keras and others write it, to a network.

    ===============================================================  ===============================================
    ONNX                                                             nncore
    ===============================================================  ===============================================
    ``Gemm``, ``MatMul`` and ``Add``                                 `Dense`
    ``Relu``, ``Gelu``, ``Softmax``, ..., also decomposed            the activation of that name
    ``BatchNormalization``, ``LayerNormalization``                   `BatchNorm`, `LayerNorm`
    ``Scaler``, and ``Add``, ``Sub``, ``Mul``, ``Div`` by constants  `BatchNorm` with these numbers as statistics
    ``PRelu``, ``RMSNormalization``                                  `PReLU`, `RMSNorm`
    ``Dropout``, ``Flatten``, ``Reshape``, ``Gather``                `Dropout`, `Flatten`, `Embedding`
    ``Add`` and ``Concat`` of two values                             `Residual`, `Concat`
    ===============================================================  ===============================================

    Parameters
    ----------
    path : str, path-like, binary file object or onnx.ModelProto
        File, or graph in memory. Needs the package onnx: ``pip install "nncore-ml[onnx]"``. No code from the file is run.
    output : str, optional
        Name of the output to use, if several have real numbers. Labels, as in graphs of classifiers, are left out.

    Returns
    -------
    Sequential
        Built network in the dtype of the constants, without loss and optimizer. ``net.fit`` trains it further.

    Raises
    ------
    ParameterError
        If nncore cannot represent a part of the graph. The message names each such part, its place and what to do.
    FileFormatError
        If it is not an ONNX graph.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.from_onnx("model.onnx")  # doctest: +SKIP
    """
    onnx = require("onnx", extra="onnx", purpose="from_onnx")
    model = _loaded(onnx, path)
    misfits = Misfits("from_onnx")
    reader = _Reader(onnx, model.graph, misfits)
    end = reader.read(_chosen(onnx, model.graph, output))
    dtype = graph.network_dtype(sorted(reader.dtypes), misfits, "export the model in float32")
    misfits.check()
    return graph.assembled(end, reader.start, reader.input_shape, dtype, misfits)


def _loaded(onnx: Any, path: Any) -> Any:
    """Load and check a model, and inline its functions."""
    content = None
    if not isinstance(path, onnx.ModelProto):
        place = FilePlace("from_onnx: path", path)
        if place.file is None:
            with open(place.path, "rb"):  # raises a clear error if the file does not exist
                pass
        else:
            content = place.read("a graph of ONNX")
    try:
        read = path if isinstance(path, onnx.ModelProto) else None
        model = read or (onnx.load(path) if content is None else onnx.load_from_string(content))
        onnx.checker.check_model(model)
        if model.functions:
            model = require("onnx.inliner", extra="onnx", purpose="from_onnx").inline_local_functions(model)
    except Exception as error:  # from protobuf, onnx and what they call
        raise FileFormatError(f"from_onnx: this is not an ONNX model: {str(error).splitlines()[0] if str(error) else error!r}") from error
    return model


def _chosen(onnx: Any, steps: Any, output: str | None) -> str:
    """The name of the output to use. For dictionaries of probabilities, it is the matrix they are made from."""
    matrices = {step.output[0]: step.input[0] for step in steps.node if step.op_type == "ZipMap"}
    reals = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    kinds = {value.name: value.type for value in steps.output}
    found = [
        name for name, kind in kinds.items() if name in matrices or not kind.HasField("tensor_type") or kind.tensor_type.elem_type in reals
    ]
    names = list(kinds)
    if output is not None and output not in names:
        raise ParameterError(f"from_onnx: the graph has no output {output!r}, only {', '.join(map(repr, names))}")
    if output is None and len(found) != 1:
        raise ParameterError(f"from_onnx: the graph has the outputs {', '.join(map(repr, found or names))}: pass output=, the one to build")
    name = found[0] if output is None else output
    return matrices.get(name, name)


class _Reader:
    """Make nodes from the operators that one output needs."""

    def __init__(self, onnx: Any, steps: Any, misfits: Misfits) -> None:
        self._onnx, self._steps, self._misfits = onnx, steps, misfits
        self.start = Node("input")
        self.input_shape: tuple[int, ...] | None = None
        #: Dtype names of the constants that became parameters.
        self.dtypes: set[str] = set()
        #: Values by name: a node, an array, or `SHAPE`.
        self._values: dict[str, Any] = {}
        #: Nodes that compute (x − m)·s + b of another one, with these x, m, s and b.
        self._affine: dict[Node, Terms] = {}
        #: Nodes that are the error function of another node, or the mask where another node is large.
        self._erf: dict[Node, Node] = {}
        self._large: dict[Node, Node] = {}
        #: Nodes assembled from products, which leave a factor of about 1.
        self._gelus: set[Node] = set()

    def read(self, output: str) -> Node:
        """Make the node of an output."""
        makers = {name: step for step in self._steps.node for name in step.output if name}
        needed, waiting = set(), [output]
        while waiting:
            name = waiting.pop()
            if name and name not in needed:
                needed.add(name)
                waiting.extend(makers[name].input if name in makers else ())
        for tensor in self._steps.initializer:
            if tensor.name in needed:
                self._values[tensor.name] = self._array(tensor)
        self._take_inputs([value for value in self._steps.input if value.name in needed and value.name not in self._values])
        for step in self._steps.node:
            if needed.intersection(step.output):
                for name, value in zip(step.output, [self._value(step)], strict=False):
                    self._values[name] = value
        end = self._values.get(output)
        if not isinstance(end, Node):
            self._misfits.add(repr(output), "it does not depend on the input", "pass output=, another one")
            return self.start
        self._check_whole(end)
        return end

    def _array(self, tensor: Any) -> np.ndarray:
        try:
            array: np.ndarray = self._onnx.numpy_helper.to_array(tensor)
        except Exception as error:
            raise FileFormatError(f"from_onnx: the constant {tensor.name!r} cannot be read: {error}") from error
        return array

    def _take_inputs(self, inputs: list[Any]) -> None:
        for value in inputs[1:]:
            self._misfits.add(
                f"input {value.name!r}", "a second input", "export a model that takes one matrix (skl2onnx: one FloatTensorType([None, n]))"
            )
        for value in inputs:
            self._values[value.name] = self.start
        if inputs and inputs[0].type.tensor_type.HasField("shape"):
            sizes = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
            if len(sizes) < 2:
                self._misfits.add(f"input {inputs[0].name!r}", "it has no dimension of features", "export a model that takes a matrix")
            elif all(size > 0 for size in sizes[1:]):
                self.input_shape = tuple(sizes[1:])

    def _check_whole(self, end: Node) -> None:
        """Note misfits for nodes that are only a part of a layer or activation."""
        waiting, seen = [end], set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(node.inputs)
                if node in self._erf or node in self._large:
                    self._misfits.add(node.place, "nncore has it as a part of a GELU or a softplus alone", OWN_ACTIVATION)

    # ---- one operator -------------------------------------------------------------------------------------------------------

    def _value(self, step: Any) -> Any:
        place = f"{step.name or step.output[0]!r} ({step.op_type})"
        attributes = {attribute.name: self._onnx.helper.get_attribute_value(attribute) for attribute in step.attribute}
        inputs = [self._values.get(name) if name else None for name in step.input]
        nodes = [value for value in inputs if isinstance(value, Node)]
        if step.op_type == "Constant":
            return self._constant(attributes)
        if not nodes and any(value is SHAPE for value in inputs):
            return SHAPE
        if step.op_type in ("Shape", "Size"):
            return SHAPE
        if not nodes and step.op_type in MOVES:
            return self._moved(place, step.op_type, inputs, attributes)
        if not nodes and step.op_type == "Cast" and inputs[0] is not None:
            return inputs[0].astype(self._onnx.helper.tensor_dtype_to_np_dtype(attributes["to"]))
        if not nodes:
            self._misfits.add(place, "it computes with constants alone", "let the exporter fold constants")
            return self.start
        if step.domain not in ("", "ai.onnx", "ai.onnx.ml"):
            self._misfits.add(place, f"it is of the domain {step.domain!r}", NOT_DENSE)
            return nodes[0]
        if step.op_type in ACTIVATIONS and not attributes:
            return graph.activation(place, nodes[0], ACTIVATIONS[step.op_type])
        convert: Callable[[str, list[Any], Attributes], Node] | None = getattr(self, f"_{step.op_type}", None)
        if convert is not None:
            return convert(place, inputs, attributes)
        self._misfits.add(place, "nncore has nothing like it", OWN_ACTIVATION if step.op_type in OTHERS else NOT_DENSE)
        return nodes[0]

    def _constant(self, attributes: Attributes) -> np.ndarray:
        if "value" in attributes:
            return self._array(attributes["value"])
        [(name, value)] = attributes.items()
        return np.asarray(value, np.float32 if "float" in name else np.int64 if "int" in name else object)

    def _moved(self, place: str, kind: str, inputs: list[Any], attributes: Attributes) -> Any:
        arrays = [value if index == 0 else np.asarray(value).ravel().tolist() for index, value in enumerate(inputs)]
        try:
            return MOVES[kind](*arrays, **attributes)
        except (TypeError, ValueError, IndexError) as error:
            raise FileFormatError(f"from_onnx: {place} does not fit its constants: {error}") from error

    def _parameter(self, place: str, value: Any) -> np.ndarray | None:
        """A constant as values of a tensor."""
        if not isinstance(value, np.ndarray):
            self._misfits.add(place, "its weights are computed by the graph", "let the exporter fold constants")
            return None
        if value.size > 1:
            self.dtypes.add(str(value.dtype))
        return value

    # ---- products -----------------------------------------------------------------------------------------------------------

    def _MatMul(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if not isinstance(inputs[0], Node) or (weight := self._parameter(place, inputs[1])) is None or weight.ndim != 2:
            self._misfits.add(place, "it is no product of the samples with a matrix of weights", NOT_DENSE)
            return self.start
        return graph.dense(place, inputs[0], weight, None)

    def _Gemm(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        weight = self._parameter(place, inputs[1])
        if weight is None or attributes.get("transA", 0) or not isinstance(inputs[0], Node):
            self._misfits.add(place, "it is no product of the samples with a matrix of weights", NOT_DENSE)
            return self.start
        weight = weight.T if attributes.get("transB", 0) else weight
        weight = weight * weight.dtype.type(attributes.get("alpha", 1.0))
        bias = None
        if len(inputs) > 2 and inputs[2] is not None:
            found = self._parameter(place, inputs[2])
            if found is None or found.size not in (1, weight.shape[1]):
                self._misfits.add(place, "its bias is no vector", NOT_DENSE)
                return self.start
            bias = np.broadcast_to(found.ravel() * found.dtype.type(attributes.get("beta", 1.0)), weight.shape[1:])
        return graph.dense(place, inputs[0], weight, bias)

    def _Gather(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        table = inputs[0]
        if not isinstance(table, np.ndarray) or table.ndim != 2 or attributes.get("axis", 0) != 0:
            self._misfits.add(place, "it chooses columns of samples", "choose them before, and hand over the rest of the graph")
            return self.start
        self._parameter(place, table)
        return graph.embedding(place, inputs[1], table)

    # ---- operations with constants, or of two values -----------------------------------------------------------------------------------

    def _Add(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        one, other = inputs
        if isinstance(one, Node) and isinstance(other, Node):
            return Node(place, (one, other), merge="sum")
        node, constant = (one, other) if isinstance(one, Node) else (other, one)
        if (row := self._row(place, constant)) is None:
            return node
        if isinstance(node.layer, Dense) and "bias" not in node.parameters:
            weight = node.parameters["weight"]
            if row.size in (1, weight.shape[1]):
                return graph.dense(node.place, node.inputs[0], weight, np.broadcast_to(row.ravel(), weight.shape[1:]))
        return self._changed(place, node, lambda m, s, b: (m, s, b + row))

    def _Sub(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        one, other = inputs
        if isinstance(one, Node) and isinstance(other, Node):
            self._misfits.add(place, "nncore has no difference of two values", NOT_DENSE)
            return one
        if isinstance(one, Node):
            if (row := self._row(place, other)) is None:
                return one
            is_first = one not in self._affine
            return self._changed(place, one, lambda m, s, b: (m + row, s, b) if is_first else (m, s, b - row))
        row = self._row(place, one)
        return other if row is None else self._changed(place, other, lambda m, s, b: (m, -s, row - b))

    def _Mul(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        one, other = inputs
        if isinstance(one, Node) and isinstance(other, Node):
            return self._product(place, one, other)
        node, constant = (one, other) if isinstance(one, Node) else (other, one)
        row = self._row(place, constant)
        return node if row is None else self._changed(place, node, lambda m, s, b: (m, s * row, b * row))

    def _Div(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        one, other = inputs
        if not isinstance(one, Node) or isinstance(other, Node):
            self._misfits.add(place, "nncore divides by constants alone", NOT_DENSE)
            return one if isinstance(one, Node) else other
        row = self._row(place, other)
        return one if row is None else self._changed(place, one, lambda m, s, b: (m, s / row, b / row))

    def _Sum(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        return Node(place, tuple(value for value in inputs if isinstance(value, Node)), merge="sum") if len(inputs) > 1 else inputs[0]

    def _Concat(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        nodes = tuple(value for value in inputs if isinstance(value, Node))
        if len(nodes) != len(inputs) or attributes.get("axis") not in (1, -1):
            self._misfits.add(place, "it does not put features of the same samples side by side", NOT_DENSE)
            return nodes[0]
        return Node(place, nodes, merge="concat") if len(nodes) > 1 else nodes[0]

    def _row(self, place: str, constant: Any) -> np.ndarray | None:
        """A constant as one number for each feature, or one for all, in float64."""
        value = self._parameter(place, constant)
        if value is None:
            return None
        if value.size == 1:
            return value.astype(np.float64).reshape(())
        if value.ndim > 1 and value.shape[0] != 1:
            self._misfits.add(place, f"it computes with a constant of shape {value.shape}", NOT_DENSE)
            return None
        return value.astype(np.float64).reshape(value.shape[1:] if value.ndim > 1 else value.shape)

    def _changed(self, place: str, node: Node, change: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Node:
        """Change the constants of (x − m)·s + b. Returns x itself if they have no effect."""
        base, *constants = self._terms(node)
        centre, factor, shift = change(*constants)
        if not centre.any() and not shift.any() and (abs(factor - 1) < 1e-6).all() and base in self._gelus:
            return base
        changed = graph.affine(place, base, centre, factor, shift)
        self._affine[changed] = (base, centre, factor, shift)
        return changed

    def _product(self, place: str, one: Node, other: Node) -> Node:
        """The product of two values: x·sigmoid(x), x·hard_sigmoid(x), x·tanh(softplus(x)), or x·½(1 + erf(x/√2)) with factors in any
        order."""
        for x, gate in ((one, other), (other, one)):
            kind = _activation_of(gate)
            if kind == "sigmoid" and gate.inputs[0] is x:
                return graph.activation(place, x, "silu")
            if kind == "tanh" and _activation_of(gate.inputs[0]) == "softplus" and gate.inputs[0].inputs[0] is x:
                return graph.activation(place, x, "mish")
            if kind == "hard_sigmoid" and gate.inputs[0] is x:
                return graph.activation(place, x, "hard_swish")
            if (gelu := self._gelu(place, x, gate)) is not None:
                return gelu
        self._misfits.add(place, "nncore has no product of two values", NOT_DENSE)
        return one

    def _gelu(self, place: str, x: Node, gate: Node) -> Node | None:
        """The product of a·x and b·(1 + erf(x/√2)) as 2ab times a GELU; None if the arguments have another form."""
        erf, _, factor, shift = self._terms(gate)
        if erf not in self._erf or not np.array_equal(factor, shift):
            return None
        base, centre, own_factor, own_shift = self._terms(x)
        inner, inner_centre, inner_factor, inner_shift = self._terms(self._erf[erf])
        if inner is not base or any(np.any(array) for array in (centre, own_shift, inner_centre, inner_shift)):
            return None
        if not np.allclose(inner_factor, np.sqrt(0.5)) or own_factor.size > 1 or factor.size > 1:
            return None
        gelu, times = graph.activation(place, base, "gelu"), own_factor * factor * 2
        self._gelus.add(gelu)
        return self._changed(place, gelu, lambda m, s, b: (m, s * times, b * times))

    def _terms(self, node: Node) -> Terms:
        """Write a node as (x − m)·s + b: x, m, s and b."""
        return self._affine.get(node, (node, np.zeros(()), np.ones(()), np.zeros(())))

    def _Erf(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        node = graph.same(place, inputs[0])
        self._erf[node] = inputs[0]
        return node

    def _Greater(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        node = graph.same(place, inputs[0] if isinstance(inputs[0], Node) else self.start)
        if isinstance(inputs[0], Node) and isinstance(inputs[1], np.ndarray) and inputs[1].size == 1 and inputs[1] >= LARGE:
            self._large[node] = inputs[0]
        else:
            self._misfits.add(place, "nncore compares no values", NOT_DENSE)
        return node

    def _Where(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        large, x, other = inputs
        if isinstance(other, Node) and self._large.get(large) is x and _activation_of(other) == "softplus" and other.inputs[0] is x:
            return other
        self._misfits.add(place, "nncore chooses between no values", NOT_DENSE)
        return self.start

    # ---- activations with arguments -----------------------------------------------------------------------------------------

    def _LeakyRelu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        return graph.activation(place, inputs[0], "leaky_relu", slope=float(np.float32(attributes.get("alpha", 0.01))))

    def _Elu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        return graph.activation(place, inputs[0], "elu", alpha=float(attributes.get("alpha", 1.0)))

    def _Celu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        alpha = float(attributes.get("alpha", 1.0))
        if alpha <= 0:
            self._misfits.add(place, f"alpha={alpha} is not positive", OWN_ACTIVATION)
            return inputs[0]
        return graph.activation(place, inputs[0], "celu", alpha=alpha)

    def _Clip(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        given = {name: value for name, value in zip(("min", "max"), inputs[1:], strict=False) if value is not None}
        bounds = {"min": -np.inf, "max": np.inf, **attributes, **given}
        if not all(np.size(bound) == 1 for bound in bounds.values()):
            self._misfits.add(place, "its bounds are computed by the graph", "let the exporter fold constants")
            return inputs[0]
        low, high = (float(np.float32(np.ravel(bounds[name])[0])) for name in ("min", "max"))
        if low >= high or (np.isinf([low, high]).any() and (low, high) != (0, np.inf)):
            self._misfits.add(place, f"it holds numbers between {low} and {high}", OWN_ACTIVATION)
            return inputs[0]
        return graph.clip(place, inputs[0], low, high)

    def _HardSigmoid(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if not np.allclose([attributes.get("alpha", 0.2), attributes.get("beta", 0.5)], [1 / 6, 0.5]):
            self._misfits.add(place, "nncore has HardSigmoid with alpha=1/6 and beta=0.5 alone, as PyTorch and Keras 3", OWN_ACTIVATION)
        return graph.activation(place, inputs[0], "hard_sigmoid")

    def _Selu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if not all(np.isclose(attributes.get(name, default), default) for name, default in SELU.items()):
            self._misfits.add(place, "nncore has SELU with its own constants alone", OWN_ACTIVATION)
        return graph.activation(place, inputs[0], "selu")

    def _Gelu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        return graph.activation(place, inputs[0], "gelu", approximate=_text(attributes.get("approximate", "none")))

    def _Swish(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        alpha = float(attributes.get("alpha", 1.0))
        if alpha <= 0:
            self._misfits.add(place, f"alpha={alpha} is not positive", OWN_ACTIVATION)
            return inputs[0]
        return graph.activation(place, inputs[0], "silu", beta=alpha)

    def _Softmax(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if attributes.get("axis", -1) not in (1, -1):
            self._misfits.add(place, f"its axis is {attributes['axis']}, not that of the features", "use the last axis")
        return graph.activation(place, inputs[0], "softmax")

    def _LogSoftmax(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if attributes.get("axis", -1) not in (1, -1):
            self._misfits.add(place, f"its axis is {attributes['axis']}, not that of the features", "use the last axis")
        return graph.activation(place, inputs[0], "log_softmax")

    def _PRelu(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        slope = self._row(place, inputs[1])
        if slope is None:
            return inputs[0]
        if not slope.ndim and 0 <= slope < 1:
            return graph.activation(place, inputs[0], "leaky_relu", slope=float(slope))
        return graph.prelu(place, inputs[0], slope)

    # ---- layers -------------------------------------------------------------------------------------------------------------

    def _BatchNormalization(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        values = [self._parameter(place, value) for value in inputs[1:5]]
        if attributes.get("training_mode", 0):
            self._misfits.add(place, "it normalises by the batch", "export the model for inference")
        gamma, beta, mean, variance = values
        if gamma is None or beta is None or mean is None or variance is None:
            return inputs[0]
        momentum = 1 - float(attributes.get("momentum", 0.9))
        epsilon = float(attributes.get("epsilon", 1e-5))
        return graph.batch_norm(place, inputs[0], mean, variance, gamma, beta, epsilon=epsilon, momentum=momentum)

    def _LayerNormalization(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        gamma = self._parameter(place, inputs[1])
        beta = self._parameter(place, inputs[2]) if len(inputs) > 2 and inputs[2] is not None else None
        if gamma is None:
            return inputs[0]
        beta = np.zeros_like(gamma) if beta is None else beta
        return graph.layer_norm(place, inputs[0], gamma, beta, epsilon=float(attributes.get("epsilon", 1e-5)))

    def _RMSNormalization(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        gamma = self._parameter(place, inputs[1])
        return inputs[0] if gamma is None else graph.rms_norm(place, inputs[0], gamma, epsilon=float(attributes.get("epsilon", 1e-5)))

    def _Scaler(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        offset, scale = (np.asarray(attributes[name], np.float64) for name in ("offset", "scale"))
        offset, scale = (array.reshape(()) if array.size == 1 else array for array in (offset, scale))
        return graph.affine(place, inputs[0], offset, scale, np.zeros(()))

    def _Dropout(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if len(inputs) > 2 and inputs[2] is not None and bool(np.any(inputs[2])):
            self._misfits.add(place, "it drops units also at prediction", "export the model for inference")
        rate = float(inputs[1]) if len(inputs) > 1 and inputs[1] is not None else float(attributes.get("ratio", 0.5))
        return graph.dropout(place, inputs[0], rate) if rate >= 0 else graph.same(place, inputs[0])

    def _Flatten(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        if attributes.get("axis", 1) != 1:
            self._misfits.add(place, "it does not make one vector of each sample", "flatten from axis 1")
        return graph.flatten(place, inputs[0])

    def _Reshape(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        shape = inputs[1]
        if shape is SHAPE:
            return graph.flatten(place, inputs[0])
        sizes = np.asarray(shape).ravel().tolist()
        if len(sizes) != 2 or sizes[0] not in (0, -1, 1) or sizes == [-1, -1]:
            self._misfits.add(place, f"it gives samples the shape {sizes[1:]}", "nncore has vectors: flatten instead")
        return graph.flatten(place, inputs[0], None if sizes[-1] == -1 else sizes[-1])

    def _Squeeze(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        axes = attributes.get("axes") if len(inputs) < 2 else np.asarray(inputs[1]).ravel().tolist()
        if list(axes or []) not in ([1], [-1]):
            self._misfits.add(place, "it leaves out other dimensions than that of a single output", "take it out of the model")
        return graph.same(place, inputs[0])

    def _Identity(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        return graph.same(place, inputs[0])

    def _Cast(self, place: str, inputs: list[Any], attributes: Attributes) -> Node:
        kind = self._onnx.helper.tensor_dtype_to_np_dtype(attributes["to"])
        if kind.kind == "f":
            self.dtypes.add(str(kind))
        elif inputs[0] is not self.start:
            self._misfits.add(place, f"it rounds to {kind}", NOT_DENSE)
        return inputs[0]


def _activation_of(node: Node) -> str:
    """The name of a node's activation; empty if it is not an activation."""
    return node.layer.activation["name"] if isinstance(node.layer, ActivationLayer) and isinstance(node.layer.activation, dict) else ""


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

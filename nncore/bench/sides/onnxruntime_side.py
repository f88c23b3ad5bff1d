"""ONNX Runtime: prediction with a graph of Gemm and activation nodes."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from . import data

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh"}


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        del flavour
        self.n_threads = n_threads
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def prediction(self, task: dict[str, Any]) -> tuple[Callable[[Any], Any], dict[str, np.ndarray]]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.n_threads, 1
        session = onnxruntime.InferenceSession(_model(task).SerializeToString(), options, providers=["CPUExecutionProvider"])
        return functools.partial(session.run, None), {"x": data.samples(task)[0]}


def _model(task: dict[str, Any]) -> Any:
    nodes, initializers, name = [], [], "x"
    parameters = data.parameters(task)
    for i, (weight, bias) in enumerate(parameters):
        initializers += [numpy_helper.from_array(weight, f"weight_{i}"), numpy_helper.from_array(bias, f"bias_{i}")]
        nodes.append(helper.make_node("Gemm", [name, f"weight_{i}", f"bias_{i}"], [f"product_{i}"]))
        name = f"product_{i}"
        if i < len(parameters) - 1:
            nodes.append(helper.make_node(_ACTIVATIONS[task["activation"]], [name], [f"hidden_{i}"]))
            name = f"hidden_{i}"
    n_inputs, n_outputs = task["widths"][0], task["widths"][-1]
    values = (("x", n_inputs), (name, n_outputs))
    x, outputs = (helper.make_tensor_value_info(each, TensorProto.FLOAT, [None, width]) for each, width in values)
    graph = helper.make_graph(nodes, "network", [x], [outputs], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model

"""Converters for skl2onnx, for pipelines with nncore estimators."""

# scikit-learn, onnx and skl2onnx have no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from nncore.configuration import require
from nncore.contract import TIMES
from nncore.errors import ExportError
from nncore.estimators.class_targets import HEADS, MULTILABEL
from nncore.estimators.logistic_neuron import LogisticNeuron
from nncore.estimators.mlp_classifier import MLPClassifier
from nncore.estimators.mlp_regressor import MLPRegressor
from nncore.estimators.real_mlp_classifier import RealMLPClassifier
from nncore.estimators.real_mlp_regressor import RealMLPRegressor
from nncore.estimators.tabm_classifier import TabMClassifier
from nncore.estimators.tabm_regressor import TabMRegressor
from nncore.registry import resolve
from nncore.words import explains_calls

#: Estimators that can be converted: skl2onnx requires probabilities of classifiers.
ESTIMATORS = (
    LogisticNeuron, MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor,
)  # fmt: skip

#: Options of skl2onnx for classifiers that its parser of classifiers reads.
CLASSIFIER_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}


@explains_calls
def register_onnx_converters() -> None:
    """Let skl2onnx convert pipelines that end with an nncore estimator.

    Call it once, before ``skl2onnx.to_onnx`` or ``skl2onnx.convert_sklearn``. A converted pipeline takes numbers. Its probabilities and
    predictions are float32, as those of scikit-learn's estimators. For an estimator with text columns, use `export`, which writes it
    without a pipeline.

    Raises
    ------
    MissingExtraError
        skl2onnx is not installed (extra ``onnx``).

    Examples
    --------
    >>> from nncore.estimators import register_onnx_converters
    >>> register_onnx_converters()  # doctest: +SKIP
    """
    skl2onnx = require("skl2onnx", extra="onnx", purpose="converting pipelines to ONNX")
    for cls in ESTIMATORS:
        options = CLASSIFIER_OPTIONS if issubclass(cls, _CLASSIFIERS) else None
        skl2onnx.update_registered_converter(cls, f"NNCore{cls.__name__}", _set_outputs, _convert, options=options)


_CLASSIFIERS = tuple(cls for cls in ESTIMATORS if is_classifier(cls()))


def _set_outputs(operator: Any) -> None:
    """Set the output types of an estimator, which skl2onnx requests first."""
    types = require("skl2onnx.common.data_types", extra="onnx", purpose="converting pipelines to ONNX")
    estimator = operator.raw_operator
    if not is_classifier(estimator):
        operator.outputs[0].type = types.FloatTensorType([None, None])
        return
    kind = getattr(vars(estimator).get("_targets"), "kind", "")
    if kind == HEADS:
        raise ExportError("several classification targets cannot be converted: use export, which writes the estimator without the pipeline")
    if not hasattr(estimator, "predict_proba"):
        raise ExportError(f"{estimator!r:.80} has no probabilities, which skl2onnx needs: use export, or another loss")
    classes = np.asarray(estimator.classes_)
    is_number = classes.dtype.kind in "iub"
    operator.outputs[0].type = (types.Int64TensorType if is_number else types.StringTensorType)(
        [None, len(classes)] if kind == MULTILABEL else [None]
    )
    if len(operator.outputs) > 1:
        operator.outputs[1].type = types.FloatTensorType([None, len(classes)])


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of an exported estimator to the model of a pipeline."""
    onnx = require("onnx", extra="onnx", purpose="converting pipelines to ONNX")
    integration = require("skl2onnx.helpers.integration", extra="onnx", purpose="converting pipelines to ONNX")
    model = onnx.load_from_string(resolve("exporters", "onnx").export(operator.raw_operator._export_graph()))
    _fit_inputs(onnx, model.graph, operator)
    _fit_outputs(onnx, model.graph, operator)
    integration.add_onnx_graph(scope, operator, container, model)


def _fit_inputs(onnx: Any, graph: Any, operator: Any) -> None:
    """Adapt the inputs of the graph to the pipeline: one matrix for all columns, and another dtype."""
    helper, wanted = onnx.helper, list(graph.input)
    given = [one.type.to_onnx_type().tensor_type.elem_type for one in operator.inputs]
    nodes = []
    del graph.input[:]
    if len(given) == 1:
        graph.input.append(helper.make_tensor_value_info("given_0", given[0], None))
    for number, one in enumerate(wanted):
        dtype = one.type.tensor_type.elem_type
        source = "given_0" if len(given) == 1 else f"given_{number}"
        if dtype == onnx.TensorProto.STRING and (len(given) == 1 < len(wanted) or given[min(number, len(given) - 1)] != dtype):
            raise ExportError(f"the column {one.name!r} holds texts, but the pipeline passes numbers: use export, or encode it first")
        if one.doc_string == TIMES and given[min(number, len(given) - 1)] != dtype:
            raise ExportError(
                f"the column {one.name!r} holds dates, in seconds that float32 rounds to minutes: declare its input as DoubleTensorType, "
                "or use export"
            )
        if len(given) == 1 < len(wanted):
            index = f"given_column_{number}"
            graph.initializer.append(onnx.numpy_helper.from_array(np.array([number], np.int64), index))
            nodes.append(helper.make_node("Gather", [source, index], [f"picked_{number}"], name=f"picked_{number}", axis=1))
            source = f"picked_{number}"
        elif len(given) > 1:
            graph.input.append(helper.make_tensor_value_info(source, given[number], None))
        nodes.append(helper.make_node("Cast", [source], [one.name], name=f"taken_{number}", to=dtype))
    kept = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *kept])


def _fit_outputs(onnx: Any, graph: Any, operator: Any) -> None:
    """Adapt the outputs of the graph to skl2onnx: float32, and a column for each predicted number."""
    helper, made = onnx.helper, list(graph.output)
    del graph.output[:]
    for number, (one, declared) in enumerate(zip(made, operator.outputs, strict=False)):
        dtype, name = declared.type.to_onnx_type().tensor_type.elem_type, f"given_back_{number}"
        source = one.name
        if len(one.type.tensor_type.shape.dim) == 1 and not is_classifier(operator.raw_operator):
            graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1, 1], np.int64), "one_column"))
            graph.node.append(helper.make_node("Reshape", [source, "one_column"], ["as_column"], name="as_column"))
            source = "as_column"
        graph.node.append(helper.make_node("Cast", [source], [name], name=name, to=dtype))
        graph.output.append(helper.make_tensor_value_info(name, dtype, None))

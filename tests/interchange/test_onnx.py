"""`nncore.from_onnx`: converted graphs predict what their sources do. `make_onnx_models.py` wrote them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import nncore as nn
from nncore.errors import FileFormatError, ParameterError

with np.load(Path(__file__).parent / "onnx_models.npz") as recorded:
    RECORDED = dict(recorded)
CASES = sorted({name.rpartition("/")[0] for name in RECORDED})
#: Attributes of operators are float32, ε among them.
ROUNDING = {"float32": 2e-6, "float64": 1e-11}

WEIGHT, X = (np.random.default_rng(seed).normal(size=(n, 4)).astype("float32") for seed, n in enumerate((4, 20)))
VECTOR = np.linspace(0.5, 2, 4, dtype="float32")


@pytest.mark.parametrize("case", CASES)
def test_graphs_of_exporters(case: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(RECORDED[f"{case}/model"].tobytes())
    samples, expected = (RECORDED[f"{case}/{key}"] for key in ("X", "y"))
    net = nn.from_onnx(tmp_path / "model.onnx")
    np.testing.assert_array_equal(nn.from_onnx(io.BytesIO(RECORDED[f"{case}/model"].tobytes())).parameters, net.parameters)
    predicted = net.predict(samples)
    assert predicted.dtype == ("float64" if "float64" in case else "float32")
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=ROUNDING[str(predicted.dtype)])


def model(*steps: Any, shape: Any = ("n", 4), outputs: tuple[str, ...] = ("y",), kind: int = TensorProto.FLOAT, **constants: Any) -> Any:
    """A graph from ``x`` to `outputs`, of steps ``(operator, inputs, output)`` with attributes as a fourth."""
    nodes = [helper.make_node(step[0], list(step[1]), [step[2]], **(step[3] if len(step) > 3 else {})) for step in steps]
    made = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, ("n", "m")) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9)


def check(graph: Any, samples: np.ndarray = X) -> nn.Sequential:
    """Compare predictions with ONNX's reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    [expected] = ReferenceEvaluator(graph).run(None, {"x": samples})
    net = nn.from_onnx(graph)
    np.testing.assert_allclose(net.predict(samples), expected, rtol=0, atol=2e-6 * max(1, abs(expected).max()))
    return net


@pytest.mark.parametrize(
    "operator",
    [
        *("Relu", "Sigmoid", "Tanh", "Softplus", "Exp", "Mish", "Sign", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu"),
        *("HardSwish", "Softsign", "LogSoftmax"),
    ],
)
def test_activations(operator: str) -> None:
    net = check(model(("MatMul", ("x", "W"), "h"), (operator, ("h",), "y"), W=WEIGHT))
    assert net.layer_names == ["dense_1"]


@pytest.mark.parametrize(
    ("operator", "how", "name"),
    [
        ("Celu", {"alpha": 2.0}, "celu"),
        ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, "hard_sigmoid"),
        ("LogSoftmax", {"axis": 1}, "log_softmax"),
    ],
)
def test_activations_with_arguments(operator: str, how: dict[str, Any], name: str) -> None:
    net = check(model(("MatMul", ("x", "W"), "h"), (operator, ("h",), "y", how), W=WEIGHT))
    assert name in str(net.layers[0].config()["activation"])


@pytest.mark.parametrize(
    ("low", "high", "name"), [(-1, 1, "hard_tanh"), (-0.25, 2, "hard_tanh"), (0, 6, "relu6"), (0, None, "relu")], ids=str
)
def test_numbers_that_are_held_between_bounds(low: float, high: float | None, name: str) -> None:
    bounds = {key: np.float32(value) for key, value in (("low", low), ("high", high)) if value is not None}
    net = check(model(("MatMul", ("x", "W"), "h"), ("Clip", ("h", *bounds), "y"), W=WEIGHT, **bounds))
    assert name in str(net.layers[0].config()["activation"])


def test_a_hard_swish_in_operators() -> None:
    gate = ("HardSigmoid", ("h",), "g", {"alpha": 1 / 6, "beta": 0.5})
    net = check(model(("MatMul", ("x", "W"), "h"), gate, ("Mul", ("h", "g"), "y"), W=WEIGHT))
    assert "hard_swish" in str(net.layers[0].config()["activation"])


@pytest.mark.parametrize("how", [{}, {"transB": 1}, {"alpha": 0.5, "beta": 2.0}])
def test_gemm(how: dict[str, Any]) -> None:
    check(model(("Gemm", ("x", "W", "b"), "y", how), W=WEIGHT, b=VECTOR))
    check(model(("Gemm", ("x", "W"), "y", how), W=WEIGHT))


def test_a_bias_is_added_from_either_side() -> None:
    for inputs in (("h", "b"), ("b", "h")):
        net = check(model(("MatMul", ("x", "W"), "h"), ("Add", inputs, "y"), W=WEIGHT, b=VECTOR[None]))
        assert net.layer_names == ["dense_1"]


@pytest.mark.parametrize("constant", [VECTOR, VECTOR[None], np.float32(3)], ids=["vector", "row", "number"])
def test_numbers_that_are_scaled(constant: Any) -> None:
    net = check(model(("Sub", ("x", "c"), "a"), ("Div", ("a", "c"), "b"), ("Mul", ("b", "c"), "d"), ("Add", ("d", "c"), "y"), c=constant))
    assert net.layer_names == ["batch_norm_1"]
    check(model(("Sub", ("c", "x"), "a"), ("Sub", ("a", "c"), "y"), c=constant))


def test_large_numbers_lose_nothing() -> None:
    samples, centre = (X + 1e6).astype("float32"), np.full(4, 1e6, "float32")
    check(model(("Sub", ("x", "c"), "a"), ("MatMul", ("a", "W"), "y"), c=centre, W=WEIGHT), samples)


def test_a_scaler() -> None:
    how = {"offset": VECTOR.tolist(), "scale": [2.0], "domain": "ai.onnx.ml"}
    check(model(("Scaler", ("x",), "y", how)))


@pytest.mark.parametrize("half_first", [True, False])
def test_a_gelu_in_operators(half_first: bool) -> None:
    begin = [("MatMul", ("x", "W"), "h"), ("Div", ("h", "root"), "a"), ("Erf", ("a",), "b"), ("Add", ("b", "one"), "c")]
    end = [("Mul", ("h", "half"), "d"), ("Mul", ("d", "c"), "y")] if half_first else [("Mul", ("h", "c"), "d"), ("Mul", ("d", "half"), "y")]
    net = check(model(*begin, *end, W=WEIGHT, root=np.float32(2**0.5), one=np.float32(1), half=np.float32(0.5)))
    assert net.layer_names == ["dense_1"]
    assert "gelu" in str(net.layers[0].config()["activation"])


def test_shortcuts_and_branches() -> None:
    steps = [("MatMul", ("x", "W"), "a"), ("Relu", ("a",), "b"), ("Add", ("b", "x"), "c"), ("MatMul", ("c", "W"), "d")]
    net = check(model(*steps, ("Concat", ("d", "c", "x"), "y", {"axis": 1}), W=WEIGHT))
    assert net.output_shape == (12,)


def test_normalisations_and_what_does_nothing() -> None:
    steps = [
        ("Identity", ("x",), "a"),
        ("LayerNormalization", ("a", "v", "v"), "b", {"axis": -1}),
        ("Dropout", ("b",), "c"),
        ("BatchNormalization", ("c", "v", "v", "v", "v"), "d"),
        ("PRelu", ("d", "v"), "e"),
        ("Cast", ("e",), "f", {"to": TensorProto.FLOAT}),
        ("Softmax", ("f",), "y"),
    ]
    names = ["layer_norm_1", "dropout_1", "batch_norm_1", "prelu_1", "activation_1"]
    assert check(model(*steps, v=VECTOR)).layer_names == names


def test_constants_that_are_moved() -> None:
    steps = [("Identity", ("W",), "w"), ("Transpose", ("w",), "t", {"perm": [1, 0]}), ("MatMul", ("x", "t"), "y")]
    check(model(*steps, W=WEIGHT))


def test_images_are_flattened() -> None:
    images = X.reshape(10, 2, 4)
    weight = np.vstack([WEIGHT, -WEIGHT])
    for step in (("Flatten", ("x",), "a"), ("Reshape", ("x", "sizes"), "a")):
        constants = {"sizes": np.array([0, -1])} if step[0] == "Reshape" else {}
        net = check(model(step, ("MatMul", ("a", "W"), "y"), shape=("n", 2, 4), W=weight, **constants), images)
        assert net.layer_names == ["flatten_1", "dense_1"]


def test_one_of_several_outputs() -> None:
    graph = model(("MatMul", ("x", "W"), "h"), ("Relu", ("h",), "y"), outputs=("h", "y"), W=WEIGHT)
    with pytest.raises(ParameterError, match="outputs 'h', 'y': pass output="):
        nn.from_onnx(graph)
    np.testing.assert_allclose(nn.from_onnx(graph, output="h").predict(X), X @ WEIGHT, atol=1e-5)
    with pytest.raises(ParameterError, match="no output 'z', only 'h', 'y'"):
        nn.from_onnx(graph, output="z")


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([("Conv", ("x", "W"), "y")], r"\(Conv\)"),
        ([("ThresholdedRelu", ("x",), "y")], r"\(ThresholdedRelu\).*nn\.names"),
        ([("Clip", ("x",), "y")], r"between -inf and inf.*nn\.names"),
        ([("HardSigmoid", ("x",), "y")], "alpha=1/6"),
        ([("LogSoftmax", ("x",), "y", {"axis": 0})], "axis is 0"),
        ([("Erf", ("x",), "y")], "GELU"),
        ([("Mul", ("x", "x"), "y")], "product of two"),
        ([("Sub", ("x", "x"), "y")], "difference of two"),
        ([("Div", ("v", "x"), "y")], "constants alone"),
        ([("Add", ("x", "x"), "y")], "sum of 2"),
        ([("Greater", ("x", "v"), "c"), ("Where", ("c", "x", "x"), "y")], r"\(Greater\).*\(Where\)"),
        ([("Softmax", ("x",), "y", {"axis": 0})], "axis is 0"),
        ([("MatMul", ("W", "x"), "y")], "no product of the samples"),
        ([("Gemm", ("x", "W"), "y", {"transA": 1})], "no product of the samples"),
        ([("MatMul", ("x", "half"), "y")], "float16"),
        ([("Reshape", ("x", "rows"), "y")], "samples of 2 numbers, and they have 4"),
        ([("Identity", ("x",), "y")], "no layers"),
        ([("Celu", ("x",), "y", {"alpha": -2.0})], "not positive"),
        ([("Cast", ("x",), "a", {"to": TensorProto.INT64}), ("Gather", ("x", "a"), "y", {"axis": 1})], "chooses columns"),
        ([("FusedGemm", ("x", "W"), "y", {"domain": "com.microsoft"})], "'com.microsoft'"),
    ],
    ids=lambda value: value[0][0] if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_named_with_a_remedy(steps: Any, match: str) -> None:
    constants = {"W": WEIGHT, "v": VECTOR, "half": WEIGHT.astype("float16"), "rows": np.array([-1, 2])}
    used = {name for step in steps for name in step[1]}
    graph = model(*steps, **{name: value for name, value in constants.items() if name in used})
    graph.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(ParameterError, match=f"(?s){match}"):
        nn.from_onnx(graph)


def test_a_second_input_is_named() -> None:
    graph = model(("MatMul", ("x", "W"), "h"), ("Add", ("h", "z"), "y"), W=WEIGHT)
    graph.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ("n", 4)))
    with pytest.raises(ParameterError, match="input 'z': a second input"):
        nn.from_onnx(graph)


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07garbage")
    with pytest.raises(FileFormatError, match="not an ONNX model"):
        nn.from_onnx(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError):
        nn.from_onnx(tmp_path / "other.onnx")
    for nothing in (b"", None, 3):
        with pytest.raises(ParameterError, match="from_onnx: path must be a path"):
            nn.from_onnx(nothing)
    with pytest.raises(FileFormatError, match="not an ONNX model"):
        nn.from_onnx(io.BytesIO(b"\x08\x07garbage"))
    with pytest.raises(ParameterError, match="file of texts"):
        nn.from_onnx(io.StringIO("text"))
    graph = model(("MatMul", ("x", "W"), "y"), W=WEIGHT)
    graph.graph.initializer[0].dims[0] = 10**9
    with pytest.raises(FileFormatError):
        nn.from_onnx(graph)

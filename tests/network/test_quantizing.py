"""Networks with 8-bit products, made from trained ones: their layers, their accuracy, and their files."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import RUNNERS

import nncore as nn
from nncore.errors import DataError, FileFormatError, NotBuiltError, ParameterError, ShapeError
from nncore.inspection import activations
from nncore.network.input_ranges import InputRange
from nncore.network.quantizing import COMPARED, PERCENTILES, SMALL

X = np.random.default_rng(0).normal(size=(300, 6))
CLASSES = ((X[:, 0] > 0) + (X[:, 1] > 0.3)).astype(int)


def trained(*layers: Any, dtype: str = "float32") -> nn.Sequential:
    net = nn.Sequential(*layers or (nn.Dense(16, "relu"), nn.Dense(3)))
    net.fit(X, CLASSES, loss="softmax_cross_entropy", optimizer=nn.Adam(0.02), epochs=5, rng=0, dtype=dtype, progress=False)
    return net


def test_digits_are_recognised_as_before() -> None:
    X_train, y_train, X_test, y_test = nn.datasets.load_digits_split()
    net = nn.Sequential(nn.Flatten(), nn.Dense(64, "relu"), nn.Dense(64, "relu"), nn.Dense(10))
    net.fit(X_train / 16, y_train, loss="softmax_cross_entropy", epochs=20, rng=0, progress=False)
    before = pickle.dumps(net)
    small = net.quantize(X_train / 16, skip=())
    assert pickle.dumps(net) == before
    floats, codes = net.evaluate(X_test / 16, y_test), small.evaluate(X_test / 16, y_test)
    assert abs(floats["accuracy"] - codes["accuracy"]) <= 0.003
    assert codes["loss"] == pytest.approx(floats["loss"], rel=0.02)
    first = small.layers[1]
    assert isinstance(first, nn.QuantizedDense)
    assert (first.input_scale, first.input_zero_point) == (float(np.float32(1 / 255)), 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_layers_are_quantized_wherever_they_are(dtype: str) -> None:
    layers = (
        nn.Dense(8, "tanh", name="first"), nn.BatchNorm(), nn.Dropout(0.1),
        nn.Residual([nn.Dense(8, "relu"), nn.LayerNorm(), nn.Dense(8, use_bias=False)], name="around"),
        nn.Concat([[], nn.SwiGLU(3)], activation="tanh"), nn.Dense(3),
    )  # fmt: skip
    net = trained(*layers, dtype=dtype)
    small = net.quantize(X, skip=())
    assert small.dtype == dtype
    assert small.layer_names == ["first", "batch_norm_1", "dropout_1", "around", "concat_1", "quantized_dense_1"]
    weights = [name for name, view in small.named_buffers().items() if view.dtype == np.int8]
    assert weights == [
        "first.weight", "around.quantized_dense_1.weight", "around.quantized_dense_2.weight",
        "concat_1.concat_1.quantized_dense_1.weight", "quantized_dense_1.weight",
    ]  # fmt: skip
    assert not any("dense" in name for name in small.named_parameters())
    off = np.abs(small.predict(X) - net.predict(X))
    assert 0 < off.max() < 0.1 * np.abs(net.predict(X)).max()
    np.testing.assert_allclose(small.predict(X), activations(small, X)["quantized_dense_1"], rtol=1e-5, atol=1e-5)


def test_tied_layers_get_weights_of_their_own() -> None:
    net = nn.Sequential(nn.Dense(4, "tanh", name="encoder"), nn.Dense(6, tied_to="encoder"))
    net.fit(X, X, loss="mse", epochs=2, rng=0, progress=False)
    small = net.quantize(X, skip=())
    buffers = small.named_buffers()
    assert (buffers["encoder.weight"].shape, buffers["quantized_dense_1.weight"].shape) == ((6, 4), (4, 6))
    np.testing.assert_allclose(small.predict(X), net.predict(X), atol=0.05)
    half = net.quantize(X, skip=["encoder"])
    assert half.layer_names == ["encoder", "quantized_dense_1"]
    with pytest.raises(ParameterError, match="no layer to quantize"):
        net.quantize(X, skip=["dense_1"])  # shares its weights with the other layer


def test_layers_can_be_skipped() -> None:
    net = trained()
    small = net.quantize(X, skip=["dense_2"])
    assert small.layer_names == ["quantized_dense_1", "dense_1"]
    np.testing.assert_array_equal(small.named_parameters()["dense_1.weight"], net.named_parameters()["dense_2.weight"])
    for skip in ("dense_2", [2], 2, ["nobody"]):
        with pytest.raises(ParameterError, match="skip"):
            net.quantize(X, skip=skip)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no layer to quantize except those in skip"):
        net.quantize(X, skip=["dense_1", "dense_2"])


def test_what_belongs_to_predictions_is_kept() -> None:
    net = trained()
    net.metadata, before = {"mine": 1}, net.predict_proba(X)
    small = net.quantize(X, skip=())
    assert small.metadata == {"mine": 1}
    assert small.optimizer is None
    np.testing.assert_allclose(small.predict_proba(X), before, atol=0.02)
    for other in (copy.deepcopy(small), pickle.loads(pickle.dumps(small)), nn.Sequential(small).build(6)):
        np.testing.assert_array_equal(other.predict(X), small.predict(X))


def test_weights_of_8_bits_are_copied_from_whole_numbers_alone() -> None:
    small = trained().quantize(X, skip=())
    weight = small.named_buffers()["quantized_dense_1.weight"]
    for wrong in (weight + 0.5, weight.astype(int) + 300):
        with pytest.raises(ParameterError, match="holds values that are not int8 numbers"):
            small.copy_weights({"quantized_dense_1.weight": wrong}, "quantized_dense_1.weight")
    small.copy_weights({"quantized_dense_1.weight": -weight.astype(float).clip(-127)}, "quantized_dense_1.weight")


def test_a_head_on_quantized_layers_can_be_trained() -> None:
    features = trained().quantize(X, skip=())[:1]
    net = nn.Sequential(features, nn.Dense(3))
    before = {name: view.copy() for name, view in features.named_buffers().items()}
    history = net.fit(X, CLASSES, loss="softmax_cross_entropy", optimizer=nn.Adam(0.05), epochs=20, rng=0, progress=False)
    assert history["loss"][-1] < history["loss"][0] / 2
    for name, view in before.items():
        np.testing.assert_array_equal(net.named_buffers()[name], view)


@pytest.mark.parametrize(
    "inputs", [np.zeros((5, 6)), np.full((5, 6), 3.0), -np.abs(X), np.full((5, 6), 1e-42), np.full((5, 6), 3e38)], ids=str
)
def test_inputs_of_any_range_are_calibrated(inputs: np.ndarray) -> None:
    net = nn.Sequential(nn.Dense(4)).build(6, rng=0)
    net.parameters[...] = np.minimum(net.parameters, 0.1)
    small = net.quantize(inputs, skip=())
    scale = max(1, np.abs(net.predict(inputs)).max())
    np.testing.assert_allclose(small.predict(inputs) / scale, net.predict(inputs) / scale, atol=0.05)


def test_few_outliers_do_not_widen_the_steps() -> None:
    net = nn.Sequential(nn.Dense(4)).build(6, rng=0)
    inputs = np.random.default_rng(1).uniform(-1, 1, (20_000, 6))
    inputs[7, 2], inputs[9, 3], inputs[:, 5] = 1000, -500, 0
    scales = [net.quantize(inputs, percentile=percentile, skip=()).layers[0].config()["input_scale"] for percentile in (99.99, 100)]
    assert scales == [pytest.approx(2 / 255, rel=0.01), pytest.approx(1500 / 255)]
    assert net.quantize(inputs[:1500], percentile=99.99, skip=()).layers[0].config()["input_scale"] == pytest.approx(
        1500 / 255
    )  # below 10,000 numbers on a side, none is an outlier
    for percentile in (50, 100.1, "99", np.nan):
        with pytest.raises(ParameterError, match="percentile must be None, or a number above 50"):
            net.quantize(inputs, percentile=percentile, skip=())


def test_the_range_of_each_layer_is_the_one_that_changes_outputs_least() -> None:
    rng = np.random.default_rng(3)
    inputs = np.concatenate([rng.normal(size=(5000, 6)), rng.standard_t(1.2, (5000, 6))])
    net = nn.Sequential(nn.Dense(40, "tanh"), nn.Dense(40, "relu"), nn.Dense(2)).build(6, rng=0)
    samples = inputs[np.linspace(0, len(inputs) - 1, COMPARED).astype(int)]
    chosen = []
    for layer in (0, 1, 2):
        skip = [name for number, name in enumerate(net.layer_names) if number != layer]
        made = [net.quantize(inputs, skip=skip, percentile=percentile) for percentile in PERCENTILES]
        changes = [np.square(one.predict(samples) - net.predict(samples)).mean() for one in made]
        best, small = made[int(np.argmin(changes))], net.quantize(inputs, skip=skip)
        assert small.layers[layer].config() == best.layers[layer].config()
        chosen.append(PERCENTILES[int(np.argmin(changes))])
    assert len(set(chosen)) > 1


def test_small_layers_stay_float_unless_asked_for() -> None:
    widths = (SMALL - 1, SMALL, SMALL, SMALL + 1, SMALL - 1, SMALL)
    net = nn.Sequential(*(nn.Dense(width, name=f"layer_{i}") for i, width in enumerate(widths))).build(SMALL, rng=0)
    inputs = np.random.default_rng(0).normal(size=(20, SMALL))
    small = net.quantize(inputs)
    codes = [name.partition(".")[0] for name, view in small.named_buffers().items() if view.dtype == np.int8]
    assert codes == ["layer_2", "layer_3"]
    assert "not quantized: layer_0, layer_1, layer_4, layer_5" in small.summary()
    assert "not quantized" not in net.summary()
    whole = net.quantize(inputs, skip=())
    assert all(isinstance(layer, nn.QuantizedDense) for layer in whole.layers)
    assert "not quantized" not in whole.summary()
    with pytest.raises(ParameterError, match=r"layer_0, layer_1 have fewer than 32 inputs or outputs, .* skip=\(\), or"):
        nn.Sequential(net[:2]).build(SMALL).quantize(inputs)


def test_layers_of_members_stay_float_and_are_named() -> None:
    layers = (nn.RepeatMembers(2), nn.MembersDense(40), nn.MeanMembers(), nn.Dense(40))
    net = nn.Sequential(*layers).build(40, rng=0)
    inputs = np.random.default_rng(0).normal(size=(20, 40))
    assert "not quantized: members_dense_1" in net.quantize(inputs).summary()
    with pytest.raises(ParameterError, match="quantize replaces Dense layers"):
        nn.Sequential(*layers[:3]).build(40).quantize(inputs)


def test_ranges_do_not_depend_on_batches() -> None:
    numbers = np.random.default_rng(2).normal(size=10_000)
    numbers[::3] = 0
    ends = []
    for n_parts in (1, 7, 100):
        found = InputRange(numbers.size, 99)
        for part in np.array_split(numbers, n_parts):
            found.add(part)
        ends.append([found.ends(percentile) for percentile in (99, 99.9, 100)])
    assert ends[0] == ends[1] == ends[2]
    for percentile, pair in zip((99, 99.9, 100), ends[0], strict=True):
        for sign, end in zip((-1, 1), pair, strict=True):
            side = sign * numbers[sign * numbers > 0]
            assert (side > sign * end).sum() == int(side.size * (1 - percentile / 100))


def test_what_cannot_be_quantized_is_refused() -> None:
    with pytest.raises(NotBuiltError):
        nn.Sequential(nn.Dense(3)).quantize(X, skip=())
    net = trained()
    with pytest.raises(ShapeError, match="X_calibration has no samples"):
        net.quantize(X[:0], skip=())
    with pytest.raises(ShapeError, match="X_calibration has samples of shape"):
        net.quantize(X[:, :5])
    with pytest.raises(DataError, match="X_calibration"):
        net.quantize(np.full_like(X, np.nan))
    with pytest.raises(ParameterError, match="there is no layer to quantize"):
        net.quantize(X, skip=()).quantize(X, skip=())
    with pytest.raises(ParameterError, match="there is no layer to quantize"):
        nn.Sequential(nn.BatchNorm()).build(6).quantize(X, skip=())
    net.parameters[0] = np.inf
    with pytest.raises((DataError, ParameterError), match="finite"):
        net.quantize(X, skip=())


def test_wide_inputs_stay_floats() -> None:
    net = nn.Sequential(nn.Dense(2), nn.Dense(1)).build(2**16 + 1, rng=0)
    assert net.quantize(np.zeros((1, 2**16 + 1)), skip=()).layer_names == ["dense_1", "quantized_dense_1"]


@pytest.mark.parametrize("suffix", [".py", ".onnx", ".h"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exported_models_compute_the_same(dtype: str, suffix: str, tmp_path: Path) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    net = trained(nn.Dense(20, "relu"), nn.Residual([nn.Dense(20, "relu")]), nn.Dense(3), dtype=dtype)
    small = net.quantize(X * 0.7, skip=())  # some inputs are outside of the range
    small.export(tmp_path / f"net{suffix}")
    content, inputs = (tmp_path / f"net{suffix}").read_bytes(), X.astype(dtype)
    np.testing.assert_array_equal(RUNNERS[suffix](content, {"X": inputs})["predict"], small.predict(inputs))
    if suffix == ".h":
        assert b"static const signed char" in content


# ---- files ----------------------------------------------------------------------------------------------------------------------


def test_a_file_holds_weights_of_8_bits(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(200, "relu"), nn.BatchNorm(), nn.Dense(100)).build(300, loss="mse", rng=0)
    inputs = np.random.default_rng(1).normal(size=(50, 300))
    small = net.quantize(inputs, skip=())
    net.save(tmp_path / "net.nncore")
    small.save(tmp_path / "small.nncore")
    assert (tmp_path / "small.nncore").stat().st_size < 0.35 * (tmp_path / "net.nncore").stat().st_size
    again = nn.load(tmp_path / "small.nncore")
    assert again.named_buffers()["quantized_dense_1.weight"].dtype == np.int8
    np.testing.assert_array_equal(again.predict(inputs), small.predict(inputs))
    again.save(tmp_path / "again.nncore")
    assert (tmp_path / "again.nncore").read_bytes() == (tmp_path / "small.nncore").read_bytes()


def changed(file: Path, change: Any) -> Path:
    """A file whose description and tensors were changed before it was written."""
    from nncore import registry

    form = registry.resolve("formats", "safetensors")
    document, tensors = form.decode(file.read_bytes())
    document, tensors = json.loads(json.dumps(document)), {name: array.copy() for name, array in tensors.items()}
    change(document["network"]["layers"][0], tensors)
    other = file.with_name("changed.nncore")
    other.write_bytes(form.encode(document, tensors))
    return other


def set_scale(value: float) -> Any:
    return lambda layer, tensors: tensors["buffers/quantized_dense_1.scale"].__setitem__(1, value)


def replace_weight(make: Any) -> Any:
    return lambda layer, tensors: tensors.update({"buffers/quantized_dense_1.weight": make(tensors["buffers/quantized_dense_1.weight"])})


def set_argument(name: str, value: Any) -> Any:
    return lambda layer, tensors: layer.update({name: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *((set_scale(value), "outside of") for value in (0.0, -1.0, np.nan, np.inf)),
        (replace_weight(lambda w: w.astype(np.float32)), "holds float32, but it must be int8"),
        (replace_weight(lambda w: w.astype(np.uint8)), "holds uint8, but it must be int8"),
        (replace_weight(lambda w: w[:-1]), "has shape"), (replace_weight(lambda w: w.T), "has shape"),
        (lambda layer, tensors: tensors.pop("buffers/quantized_dense_1.weight"), "is missing"),
        *((set_argument(name, value), name) for name, value in (
            ("input_scale", 0.0), ("input_scale", "1"), ("input_zero_point", -1), ("input_zero_point", 1.5), ("n_outputs", 2**40),
        )),
    ],
)  # fmt: skip
def test_files_that_say_what_cannot_be_are_refused(change: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "small.nncore"
    trained().quantize(X, skip=()).save(path)
    with pytest.raises(FileFormatError, match=said):
        nn.load(changed(path, change))
    assert nn.load(changed(path, lambda layer, tensors: None)).layer_names == ["quantized_dense_1", "quantized_dense_2"]

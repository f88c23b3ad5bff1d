"""A network loaded from a file equals the saved one bit for bit; damaged, hostile and other files are refused."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from network.files import (
    X,
    Y,
    assert_equal,
    built,
    joined,
    load_bytes,
    network_in,
    parts,
    tampered,
    trained,
    trained_size,
    with_field,
)

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import FileFormatError, MissingPluginError, UnknownComponentError
from nncore.plugin import Loss
from nncore.testing.widths import outputs_for

# ---- valid files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", registry.names("optimizers"))
def test_round_trip_is_exact(tmp_path: Path, dtype: str, optimizer: str):
    network = trained(dtype, optimizer)
    network.metadata = {"classes": ["no", "yes"], "π": [3.14, None, True], "nested": {"a": 1}}
    network.save(tmp_path / "net.nncore")
    assert_equal(network, nn.load(tmp_path / "net.nncore"))


@pytest.mark.parametrize("optimizer", registry.names("optimizers"))
def test_training_goes_on_bit_for_bit(tmp_path: Path, optimizer: str):
    network = trained(optimizer=optimizer)
    network.save(tmp_path / "net.nncore")
    resumed = nn.load(str(tmp_path / "net.nncore"))
    for one in (network, resumed):
        one.fit(X, Y, epochs=3, batch_size=16, progress=False)
    assert network.n_steps > trained().n_steps
    assert_equal(network, resumed)


@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_losses_and_hyperparameters_come_back(tmp_path: Path, loss: Loss):
    n_outputs = outputs_for(loss, 2)
    last = nn.Dense(n_outputs, activation=activation_for(loss, n_outputs))
    network = nn.Sequential(last).build(3, loss=loss, optimizer=nn.Adam(lr=0.1 + 0.2, beta1=0.5), rng=7)
    network.weight_decay = 1e-3
    network.save(tmp_path / "net.nncore")
    loaded = nn.load(tmp_path / "net.nncore")
    assert_equal(network, loaded)
    assert loaded.loss.config() == loss.config()
    assert loaded.optimizer.lr == 0.1 + 0.2
    assert loaded.optimizer.beta1 == 0.5


def test_a_network_that_was_never_trained(tmp_path: Path):
    network = built(optimizer=None, loss=None)
    network.save(tmp_path / "net.nncore")
    loaded = nn.load(tmp_path / "net.nncore")
    assert_equal(network, loaded)
    assert loaded.loss is None
    assert loaded.optimizer is None


def test_samples_of_any_shape(tmp_path: Path):
    network = nn.Sequential(nn.Flatten(), nn.ActivationLayer("tanh"), nn.Dense(2)).build((2, 3, 4), rng=0)
    network.save(tmp_path / "net.nncore")
    loaded = nn.load(tmp_path / "net.nncore")
    assert_equal(network, loaded)
    sample = np.random.default_rng(1).normal(size=(5, 2, 3, 4))
    assert network.predict(sample).tobytes() == loaded.predict(sample).tobytes()


def test_a_network_without_parameters(tmp_path: Path):
    network = nn.Sequential(nn.Flatten()).build((2, 2))
    network.save(tmp_path / "net.nncore")
    assert nn.load(tmp_path / "net.nncore").output_shape == (4,)


def test_numbers_that_are_not_finite_come_back(tmp_path: Path):
    network = built()
    network.parameters[:4] = [np.nan, np.inf, -np.inf, -0.0]
    network.save(tmp_path / "net.nncore")
    assert_equal(network, nn.load(tmp_path / "net.nncore"))


def test_the_loaded_network_owns_its_memory(tmp_path: Path):
    path = tmp_path / "net.nncore"
    network = trained()
    network.save(path)
    loaded = nn.load(path)
    loaded.parameters[:] = 0
    path.unlink()
    assert (loaded.predict(X) == loaded.predict(X[:1])).all()


# ---- files that are not networks --------------------------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"net\.nncore"):
        nn.load(tmp_path / "net.nncore")


def test_a_folder(tmp_path: Path):
    with pytest.raises(FileFormatError, match="is a folder"):
        nn.load(tmp_path)


class Payload:
    """The code that a hostile pickle runs when it is opened."""

    opened: list[str] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return execute, ("executed",)


def execute(word: str) -> None:
    """A function, found by its name: a method of the list would be pickled with a copy of the list."""
    Payload.opened.append(word)


def zipped() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"\x00" * 8, b"\xff" * 64, b"not a network", pickle.dumps({"a": np.zeros(100)}), zipped(), b'{"layers": []}' * 9],
    ids=["empty", "byte", "zeros", "ones", "text", "pickle", "zip", "json"],
)
def test_other_files(tmp_path: Path, content: bytes):
    with pytest.raises(FileFormatError, match=r"damaged\.nncore"):
        load_bytes(content, tmp_path)


def test_a_pickle_is_not_opened(tmp_path: Path, whole: bytes):
    Payload.opened.clear()
    payload = pickle.dumps(Payload())
    header, data = parts(whole)
    network_in(header)["layers"][0]["activation"] = payload.decode("latin-1")
    for content in (payload, joined(header, data)):
        with pytest.raises((FileFormatError, UnknownComponentError)):
            load_bytes(content, tmp_path)
    assert Payload.opened == []


def test_someone_elses_safetensors(tmp_path: Path, whole: bytes):
    for metadata in (None, {}, {"format": "pt"}):
        header, data = parts(whole)
        header.pop("__metadata__")
        with pytest.raises(FileFormatError, match="not begin like a network that nncore saved"):
            load_bytes(joined({**header, **({} if metadata is None else {"__metadata__": metadata})}, data), tmp_path)


# ---- damage -----------------------------------------------------------------------------------------------------------------


def test_a_file_cut_short_anywhere(tmp_path: Path, whole: bytes):
    path = tmp_path / "damaged.nncore"
    for length in [*range(64), *range(64, len(whole), 13), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            nn.load(path)


def test_a_file_with_something_appended(tmp_path: Path, whole: bytes):
    with pytest.raises(FileFormatError, match="is damaged"):
        load_bytes(whole + b"\x00", tmp_path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_of_the_header(tmp_path: Path, whole: bytes, data: st.DataObject):
    """A flipped byte of the header is noticed, or changes a value into another valid one."""
    end = 8 + int.from_bytes(whole[:8], "little")
    flips = data.draw(st.dictionaries(st.integers(0, end - 1), st.integers(1, 255), min_size=1, max_size=3))
    damaged = bytearray(whole)
    for position, mask in flips.items():
        damaged[position] ^= mask
    try:
        network = load_bytes(bytes(damaged), tmp_path)
    except (FileFormatError, UnknownComponentError):
        return
    assert network.n_parameters == trained_size()


@pytest.mark.parametrize("version", ["", "0", "-1", "1.0", "²", "9" * 5000, "one"])
def test_a_format_version_that_is_no_number(tmp_path: Path, whole: bytes, version: str):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("format_version", version))
    with pytest.raises(FileFormatError, match=r"not begin like a network that nncore saved|version 0 is not one that this nncore reads"):
        load_bytes(file, tmp_path)


def test_a_newer_format(tmp_path: Path, whole: bytes):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("format_version", "3"))
    with pytest.raises(FileFormatError, match=r"newer than this nncore can read.*pip install -U"):
        load_bytes(file, tmp_path)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"name": "dense", "n_outputs": -4}, "n_outputs"),
        ({"name": "dense", "n_outputs": "4"}, "n_outputs"),
        ({"name": "dense"}, "n_outputs"),
        ({"name": "dense", "n_outputs": 4, "n_inputs": 10**12}, "n_inputs"),
        ({"name": 3}, "a layer is needed"),
        ({"n_outputs": 4}, "a layer is needed"),
        ({"name": "dense", "n_outputs": 10**9}, "has shape"),
        ({"name": "dense", "n_outputs": 10**15}, "n_outputs"),
    ],
)
def test_layers_that_cannot_be_made(tmp_path: Path, whole: bytes, layer: dict[str, Any], message: str):
    file = tampered(whole, lambda header: network_in(header)["layers"].__setitem__(0, layer))
    with pytest.raises(FileFormatError, match=message):
        load_bytes(file, tmp_path)


def test_nothing_is_allocated_for_sizes_the_file_does_not_have(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch):
    def build(*arguments: object, **keywords: object) -> None:
        raise AssertionError("memory was taken before the sizes were checked")

    monkeypatch.setattr(nn.Sequential, "build", build)
    for file in (
        with_field(whole, "input_shape", [10**15]),
        with_field(whole, "input_shape", [10**9, 10**9]),
        tampered(whole, lambda header: network_in(header)["layers"][0].__setitem__("n_outputs", 10**12)),
        tampered(whole, lambda header: header["parameters/dense_1.weight"].__setitem__("shape", [10**12, 4])),
        tampered(whole, lambda header: header["parameters/dense_1.weight"].__setitem__("data_offsets", [0, 2**62])),
    ):
        with pytest.raises(FileFormatError):
            load_bytes(file, tmp_path)


def test_a_layer_that_is_not_installed_names_its_plugin(tmp_path: Path, whole: bytes):
    layer = {"name": "nncore-lion/mane"}
    file = tampered(whole, lambda header: network_in(header)["layers"].__setitem__(2, layer))
    with pytest.raises(MissingPluginError, match=r"no plugin nncore-lion is installed.*pip install nncore-lion") as caught:
        load_bytes(file, tmp_path)
    assert "damaged.nncore" in caught.value.__notes__[0]


@pytest.mark.parametrize("kind", ["optimizer", "loss"])
def test_a_bare_name_that_nobody_provides(tmp_path: Path, whole: bytes, kind: str):
    with pytest.raises(UnknownComponentError, match=r"there is no .* 'lyon'"):
        load_bytes(with_field(whole, kind, {"name": "lyon"}), tmp_path)


def renamed(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    return lambda header: header.__setitem__(new, header.pop(old))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed("parameters/dense_1.weight", "parameters/dense_9.weight"), "'parameters/dense_1.weight' is missing"),
        (renamed("buffers/batch_norm_1.mean", "parameters/batch_norm_1.mean"), "'buffers/batch_norm_1.mean' is missing"),
        (renamed("optimizer/dense_1.bias/slot_1", "optimizer/dense_1.bias/slot_2"), "'optimizer/dense_1.bias/slot_1' is missing"),
        (lambda header: header["parameters/dense_1.weight"].update(shape=[4, 3]), r"shape \(4, 3\), but the layers need \(3, 4\)"),
        (lambda header: header["parameters/dense_1.weight"].update(shape=[12]), r"shape \(12,\)"),
        (lambda header: header["parameters/dense_1.weight"].update(dtype="I32"), "holds int32, but it must be float32"),
        (lambda header: network_in(header).update(n_steps=0), "belongs to no layer"),
        (lambda header: network_in(header).update(optimizer=None), "belongs to no layer"),
        (lambda header: network_in(header).update(dtype="float64", precision="float64"), "holds float32, but it must be float64"),
        (lambda header: network_in(header).update(dtype="float64"), "'precision' must be that of its 'dtype'"),
        (lambda header: network_in(header)["layers"].pop(1), "'buffers/batch_norm_1.*belongs to no layer"),
    ],
)
def test_tensors_that_do_not_fit_the_layers(tmp_path: Path, whole: bytes, change: Callable[[dict[str, Any]], Any], message: str):
    with pytest.raises(FileFormatError, match=message):
        load_bytes(tampered(whole, change), tmp_path)


@pytest.mark.parametrize("optimizer", [{"name": "adam", "lr": -1.0}, {"name": "adam", "beta3": 0.5}, {"name": "dense", "n_outputs": 3}])
def test_optimizers_that_cannot_be_made(tmp_path: Path, whole: bytes, optimizer: dict[str, Any]):
    with pytest.raises((FileFormatError, UnknownComponentError)):
        load_bytes(with_field(whole, "optimizer", optimizer), tmp_path)

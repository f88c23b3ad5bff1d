from __future__ import annotations

import io
import json
import os
import pickle
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest
import safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError, MissingExtraError, NotBuiltError, ParameterError, UnknownComponentError
from nncore.network import document, saving
from nncore.plugin import Layer, Loss, Plan
from nncore.testing.widths import outputs_for

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X.sum(axis=1) > 0).astype(np.int64)


def built(dtype: str = "float32", optimizer: Any = "adam", loss: str | None = "softmax_cross_entropy") -> nn.Sequential:
    layers = nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dropout(0.25), nn.Dense(2)
    return nn.Sequential(*layers).build(3, loss=loss, optimizer=optimizer, rng=7, dtype=dtype)


def trained(dtype: str = "float32", optimizer: Any = "adam") -> nn.Sequential:
    network = built(dtype, optimizer)
    network.fit(X, Y, epochs=2, batch_size=16, progress=False)
    return network


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("whole") / "net.nncore"
    trained().save(path)
    return path.read_bytes()


def assert_equal(one: nn.Sequential, other: nn.Sequential) -> None:
    """Bit for bit, and in everything that decides how training goes on."""
    for name in ("named_parameters", "named_buffers"):
        first, second = getattr(one, name)(), getattr(other, name)()
        assert list(first) == list(second)
        assert all(first[key].tobytes() == second[key].tobytes() for key in first)
    assert (one.dtype, one.input_shape, one.output_shape) == (other.dtype, other.input_shape, other.output_shape)
    assert (one.n_steps, one.n_epochs, one.seed, one.weight_decay) == (other.n_steps, other.n_epochs, other.seed, other.weight_decay)
    assert one.metadata == other.metadata
    assert one.describe() == other.describe()
    if one.optimizer is not None:
        assert one.optimizer_state.tobytes() == other.optimizer_state.tobytes()


def parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Header (with the architecture as an object) and data of a file."""
    length = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + length])
    header["__metadata__"]["architecture"] = json.loads(header["__metadata__"]["architecture"])
    return header, file[8 + length :]


def joined(header: dict[str, Any], data: bytes) -> bytes:
    if "__metadata__" in header and not isinstance(header["__metadata__"].get("architecture", ""), str):
        header["__metadata__"]["architecture"] = json.dumps(header["__metadata__"]["architecture"])
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tampered(file: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    header, data = parts(file)
    change(header)
    return joined(header, data)


def with_field(file: bytes, field: str, value: Any) -> bytes:
    return tampered(file, lambda header: header["__metadata__"]["architecture"].__setitem__(field, value))


def load_bytes(file: bytes, folder: Path) -> nn.Sequential:
    path = folder / "damaged.nncore"
    path.write_bytes(file)
    return nn.load(path)


# ---- what comes back --------------------------------------------------------------------------------------------------------


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
    network = nn.Sequential(nn.Dense(outputs_for(loss, 2))).build(3, loss=loss, optimizer=nn.Adam(lr=0.1 + 0.2, beta1=0.5), rng=7)
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


# ---- what is in the file ----------------------------------------------------------------------------------------------------


def test_the_file_is_plain_safetensors(whole: bytes, tmp_path: Path):
    (tmp_path / "net.nncore").write_bytes(whole)
    network = trained()
    with safetensors.safe_open(tmp_path / "net.nncore", framework="numpy") as file:
        names = set(file.keys())
        metadata = file.metadata()
        weight = file.get_tensor("parameters/dense_1.weight")
    assert names == {
        *(f"parameters/{name}" for name in network.named_parameters()),
        *(f"buffers/{name}" for name in network.named_buffers()),
        "optimizer/0",
        "optimizer/1",
    }
    assert weight.tobytes() == network.named_parameters()["dense_1.weight"].tobytes()
    assert (metadata["format"], metadata["format_version"]) == ("nncore", "1")
    architecture = json.loads(metadata["architecture"])
    assert architecture["layers"][0]["name"] == "dense"
    assert architecture["layers"][0]["n_outputs"] == 4
    assert (architecture["input_shape"], architecture["dtype"]) == ([3], "float32")
    assert architecture["optimizer"]["name"] == "adam"
    assert architecture["nncore_version"] == nn.__version__


def test_the_same_network_makes_the_same_parts(whole: bytes, tmp_path: Path):
    trained().save(tmp_path / "again.nncore")
    assert parts((tmp_path / "again.nncore").read_bytes()) == parts(whole)


# ---- saving what cannot be saved --------------------------------------------------------------------------------------------


class Unregistered(Layer):
    """A class of the user's own."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)


def test_a_class_that_no_plugin_registers_fails_when_saving(tmp_path: Path):
    network = nn.Sequential(nn.Dense(2), Unregistered()).build(3)
    with pytest.raises(UnknownComponentError, match="Unregistered"):
        network.save(tmp_path / "net.nncore")
    assert os.listdir(tmp_path) == []


def test_a_network_that_is_not_built_fails_when_saving(tmp_path: Path):
    with pytest.raises(NotBuiltError, match="fit or build"):
        nn.Sequential(nn.Dense(2)).save(tmp_path / "net.nncore")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [np.arange(3), {1, 2}, object()])
def test_metadata_that_json_cannot_hold(tmp_path: Path, value: object):
    network = built()
    network.metadata["mine"] = value
    with pytest.raises(ParameterError, match="metadata"):
        network.save(tmp_path / "net.nncore")
    assert os.listdir(tmp_path) == []


def test_without_safetensors(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[save\]"):
        built().save(tmp_path / "net.nncore")
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[save\]"):
        load_bytes(whole, tmp_path)


# ---- writing ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException):
    path = tmp_path / "net.nncore"
    path.write_bytes(b"the older network")

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(saving.os, function, fail)
    with pytest.raises(type(error)):
        built().save(path)
    assert os.listdir(tmp_path) == ["net.nncore"]
    assert path.read_bytes() == b"the older network"


def test_saving_over_an_older_file(tmp_path: Path):
    path = tmp_path / "net.nncore"
    built().save(path)
    network = trained()
    network.save(path)
    assert_equal(network, nn.load(path))
    assert os.listdir(tmp_path) == ["net.nncore"]


@pytest.mark.skipif(os.name != "posix", reason="modes and links as on POSIX")
def test_mode_and_link_of_an_older_file_are_kept(tmp_path: Path):
    path, link = tmp_path / "net.nncore", tmp_path / "latest"
    built().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask()
    path.chmod(0o600)
    link.symlink_to(path)
    trained().save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert nn.load(path).n_steps > 0


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_folders_that_are_missing_or_in_the_way(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        built().save(tmp_path / "missing" / "net.nncore")
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        built().save(tmp_path)
    assert os.listdir(tmp_path) == []


# ---- files that are not networks --------------------------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"net\.nncore"):
        nn.load(tmp_path / "net.nncore")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="device or a pipe"):
        trained().save(tmp_path / "pipe")
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]


def test_a_folder(tmp_path: Path):
    with pytest.raises(FileFormatError, match="is a folder"):
        nn.load(tmp_path)


class Payload:
    """What a hostile pickle does when it is opened."""

    opened: list[str] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Payload.opened.append, ("executed",)


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
    header["__metadata__"]["architecture"]["layers"][0]["activation"] = payload.decode("latin-1")
    for content in (payload, joined(header, data)):
        with pytest.raises((FileFormatError, UnknownComponentError)):
            load_bytes(content, tmp_path)
    assert Payload.opened == []


def test_someone_elses_safetensors(tmp_path: Path, whole: bytes):
    for metadata in (None, {}, {"format": "pt"}):
        header, data = parts(whole)
        header.pop("__metadata__")
        with pytest.raises(FileFormatError, match="not one that nncore saved"):
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
    """A flip is noticed, or it changes a value into another valid one; it never does anything else."""
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


def trained_size() -> int:
    return built().n_parameters


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(sorted(document._FIELDS)),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("name"), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_json_in_any_field(tmp_path: Path, whole: bytes, field: str, value: Any):
    try:
        network = load_bytes(with_field(whole, field, value), tmp_path)
    except (FileFormatError, UnknownComponentError):
        return
    assert network.n_parameters == trained_size()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", {}),
        ("layers", []),
        ("layers", ["dense"]),
        ("layers", "dense"),
        ("input_shape", 3),
        ("input_shape", []),
        ("input_shape", [0]),
        ("input_shape", [-3]),
        ("input_shape", [3.0]),
        ("input_shape", [True]),
        ("input_shape", ["3"]),
        ("input_shape", [2**63]),
        ("dtype", "object"),
        ("dtype", "float16"),
        ("dtype", ["float32"]),
        ("loss", "mse"),
        ("optimizer", []),
        ("schedule_state", []),
        ("schedule_state", {"wait": "3"}),
        ("schedule_state", {"wait": True}),
        ("schedule_state", {"wait": None}),
        ("schedule_state", {"wait": float("nan")}),
        ("schedule_state", {"wait": float("inf")}),
        ("schedule_state", {"wait": 10**400}),
        ("weight_decay", -1.0),
        ("weight_decay", float("nan")),
        ("weight_decay", float("inf")),
        ("weight_decay", True),
        ("weight_decay", "0"),
        ("n_steps", -1),
        ("n_steps", 2**63),
        ("n_steps", 1.5),
        ("n_steps", True),
        ("n_epochs", -1),
        ("n_epochs", None),
        ("seed", -1),
        ("seed", 2**64),
        ("metadata", []),
        ("metadata", None),
    ],
)
def test_fields_of_the_wrong_kind(tmp_path: Path, whole: bytes, field: str, value: Any):
    with pytest.raises(FileFormatError, match=f"damaged.nncore cannot be loaded: the architecture's '{field}' must be"):
        load_bytes(with_field(whole, field, value), tmp_path)


@pytest.mark.parametrize("field", sorted(document._FIELDS))
def test_fields_that_are_missing(tmp_path: Path, whole: bytes, field: str):
    file = tampered(whole, lambda header: header["__metadata__"]["architecture"].pop(field))
    with pytest.raises(FileFormatError, match=f"has no '{field}'"):
        load_bytes(file, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1" * 5000, "[" * 100_000, "{}"])
def test_an_architecture_that_is_not_a_json_object(tmp_path: Path, whole: bytes, text: str):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("architecture", text))
    with pytest.raises(FileFormatError, match=r"the architecture (is not|has no)"):
        load_bytes(file, tmp_path)


@pytest.mark.parametrize("version", ["", "0", "-1", "1.0", "²", "9" * 5000, "one"])
def test_a_format_version_that_is_no_number(tmp_path: Path, whole: bytes, version: str):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("format_version", version))
    with pytest.raises(FileFormatError, match=r"format_version '.*is not a number"):
        load_bytes(file, tmp_path)


def test_a_newer_format(tmp_path: Path, whole: bytes):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("format_version", "2"))
    with pytest.raises(FileFormatError, match=r"newer than this nncore can read.*pip install -U"):
        load_bytes(file, tmp_path)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"name": "dense", "n_outputs": -4}, "n_outputs"),
        ({"name": "dense", "n_outputs": "4"}, "n_outputs"),
        ({"name": "dense"}, "n_outputs"),
        ({"name": "dense", "n_outputs": 4, "n_inputs": 10**12}, "n_inputs"),
        ({"name": 3}, "a layer is wanted"),
        ({"n_outputs": 4}, "a layer is wanted"),
        ({"name": "dense", "n_outputs": 10**9}, "has shape"),
        ({"name": "dense", "n_outputs": 10**15}, "n_outputs"),
    ],
)
def test_layers_that_cannot_be_made(tmp_path: Path, whole: bytes, layer: dict[str, Any], message: str):
    file = tampered(whole, lambda header: header["__metadata__"]["architecture"]["layers"].__setitem__(0, layer))
    with pytest.raises(FileFormatError, match=message):
        load_bytes(file, tmp_path)


def test_nothing_is_allocated_for_sizes_the_file_does_not_have(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch):
    def build(*arguments: object, **keywords: object) -> None:
        raise AssertionError("memory was taken before the sizes were checked")

    monkeypatch.setattr(nn.Sequential, "build", build)
    for file in (
        with_field(whole, "input_shape", [10**15]),
        with_field(whole, "input_shape", [10**9, 10**9]),
        tampered(whole, lambda header: header["__metadata__"]["architecture"]["layers"][0].__setitem__("n_outputs", 10**12)),
        tampered(whole, lambda header: header["parameters/dense_1.weight"].__setitem__("shape", [10**12, 4])),
        tampered(whole, lambda header: header["parameters/dense_1.weight"].__setitem__("data_offsets", [0, 2**62])),
    ):
        with pytest.raises(FileFormatError):
            load_bytes(file, tmp_path)


@pytest.mark.parametrize(
    ("kind", "description"), [("optimizer", {"name": "nncore-lion/lion", "lr": 1e-3}), ("loss", {"name": "nncore-lion/lion_loss"})]
)
def test_a_component_that_is_not_installed_names_its_plugin(tmp_path: Path, whole: bytes, kind: str, description: dict[str, Any]):
    with pytest.raises(UnknownComponentError, match="nncore-lion") as caught:
        load_bytes(with_field(whole, kind, description), tmp_path)
    assert "damaged.nncore" in caught.value.__notes__[0]


def renamed(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    return lambda header: header.__setitem__(new, header.pop(old))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed("parameters/dense_1.weight", "parameters/dense_9.weight"), "'parameters/dense_1.weight' is missing"),
        (renamed("buffers/batch_norm_1.mean", "parameters/batch_norm_1.mean"), "'buffers/batch_norm_1.mean' is missing"),
        (renamed("optimizer/1", "optimizer/2"), "'optimizer/1' is missing"),
        (lambda header: header["parameters/dense_1.weight"].update(shape=[4, 3]), r"shape \(4, 3\), but the layers need \(3, 4\)"),
        (lambda header: header["parameters/dense_1.weight"].update(shape=[12]), r"shape \(12,\)"),
        (lambda header: header["parameters/dense_1.weight"].update(dtype="I32"), "holds int32, but the network is float32"),
        (lambda header: header["__metadata__"]["architecture"].update(n_steps=0), "belongs to no layer"),
        (lambda header: header["__metadata__"]["architecture"].update(optimizer=None), "belongs to no layer"),
        (lambda header: header["__metadata__"]["architecture"].update(dtype="float64"), "holds float32, but the network is float64"),
        (lambda header: header["__metadata__"]["architecture"]["layers"].pop(1), "'buffers/batch_norm_1.*belongs to no layer"),
    ],
)
def test_tensors_that_do_not_fit_the_layers(tmp_path: Path, whole: bytes, change: Callable[[dict[str, Any]], Any], message: str):
    with pytest.raises(FileFormatError, match=message):
        load_bytes(tampered(whole, change), tmp_path)


@pytest.mark.parametrize("optimizer", [{"name": "adam", "lr": -1.0}, {"name": "adam", "beta3": 0.5}, {"name": "dense", "n_outputs": 3}])
def test_optimizers_that_cannot_be_made(tmp_path: Path, whole: bytes, optimizer: dict[str, Any]):
    with pytest.raises((FileFormatError, UnknownComponentError)):
        load_bytes(with_field(whole, "optimizer", optimizer), tmp_path)

"""Saving a network: the content of the file, which is written completely or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from network.files import assert_equal, built, parts, trained

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError, PluginError, UnknownComponentError
from nncore.formats.safetensors import Safetensors
from nncore.plugin import Layer, Plan
from nncore.tabular.description import FORMAT

# ---- content of files -------------------------------------------------------------------------------------------------------


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
        *(f"optimizer/{name}/slot_{slot}" for name in network.named_parameters() for slot in range(2)),
    }
    assert weight.tobytes() == network.named_parameters()["dense_1.weight"].tobytes()
    assert (metadata["format"], metadata["format_version"]) == ("nncore", "2")
    description = json.loads(metadata["description"])
    assert description["nncore_version"] == nn.__version__
    architecture = description["network"]
    assert architecture["layers"][0]["name"] == "dense"
    assert architecture["layers"][0]["n_outputs"] == 4
    assert (architecture["input_shape"], architecture["dtype"]) == ([3], "float32")
    assert architecture["optimizer"]["name"] == "adam"


def test_the_same_network_makes_the_same_parts(whole: bytes, tmp_path: Path):
    trained().save(tmp_path / "again.nncore")
    assert parts((tmp_path / "again.nncore").read_bytes()) == parts(whole)


# ---- networks that cannot be saved ------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["v1"], "network.metadata must be an object, got \\['v1'\\]"),
        (None, "network.metadata must be an object"),
        ({"score": float("nan")}, "metadata\\['score'\\] cannot be written to a file: JSON has no nan"),
        ({"scores": [1, {"best": -float("inf")}]}, "metadata\\['scores'\\]\\[1\\]\\['best'\\].*JSON has no -inf"),
        ({1: "one"}, "the key 1 is not a string; write '1'"),
        ({"pair": (1, 2)}, "it is \\(1, 2\\); write list"),
        ({"array": np.zeros(3)}, "array.tolist"),
        ({"number": np.float32(1)}, "write numbers"),
    ],
    ids=["list", "none", "nan", "inf", "key", "tuple", "array", "scalar"],
)
def test_an_older_file_stays_if_the_newer_one_could_not_be_read(tmp_path: Path, whole: bytes, value: Any, message: str):
    path = tmp_path / "net.nncore"
    path.write_bytes(whole)
    network = built()
    network.metadata = value
    with pytest.raises(ParameterError, match=message):
        network.save(path)
    with pytest.raises(ParameterError, match=message):
        nn.save_many([trained(), network], path)
    assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == ["net.nncore"]


def test_metadata_that_hold_themselves(tmp_path: Path):
    network = built()
    network.metadata["me"] = network.metadata
    with pytest.raises(ParameterError, match="nested too deeply, or contains itself"):
        network.save(tmp_path / "net.nncore")
    assert os.listdir(tmp_path) == []


def test_an_encoding_that_describes_no_columns(tmp_path: Path):
    network = built()
    network.encoding = {"format": FORMAT}
    with pytest.raises(ParameterError, match=r"this network cannot be saved.*description of the columns is damaged"):
        network.save(tmp_path / "net.nncore")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("fault", ["document", "tensor", "name"])
def test_a_format_that_does_not_give_back_what_it_was_handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes, fault: str):
    path = tmp_path / "net.nncore"
    path.write_bytes(whole)
    decode = Safetensors.decode

    def faulty(self: Safetensors, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
        document, tensors = decode(self, data)
        name = next(iter(tensors))
        if fault == "document":
            document["network"]["n_steps"] += 1
        elif fault == "tensor":
            tensors[name] = tensors[name] + 1
        else:
            tensors["other"] = tensors.pop(name)
        return document, tensors

    monkeypatch.setattr(Safetensors, "decode", faulty)
    with pytest.raises(PluginError, match="does not read back what it wrote"):
        trained().save(path)
    assert path.read_bytes() == whole


# ---- writing ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException):
    path = tmp_path / "net.nncore"
    path.write_bytes(b"the older network")

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, function, fail)
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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="device or a pipe"):
        trained().save(tmp_path / "pipe")
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]

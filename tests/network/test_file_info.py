"""Information about a file agrees with `load`, without making a network or importing a plugin."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.everything import cut_short, networks
from network.files import network_in, tampered, trained, with_field
from plugin_fixtures.fake_site import FakeSite

import nncore as nn
from nncore.errors import FileFormatError
from nncore.inspection import file_info
from nncore.network.sequential import Sequential


def test_all_that_a_file_says_of_every_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.nncore"
    every = dict(networks())
    nn.save_many(every, path)

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a network was made")

    monkeypatch.setattr(Sequential, "__init__", refuse)
    info = file_info(path)
    assert (info.format, info.format_version, info.nncore_version) == ("safetensors", 2, nn.__version__)
    assert info.n_bytes == path.stat().st_size
    assert [network.name for network in info.networks] == list(every)
    for told, network in zip(info.networks, every.values(), strict=True):
        described = network.describe()
        assert [layer.name for layer in told.layers] == network.layer_names
        assert [layer.kind for layer in told.layers] == [layer["name"] for layer in described["layers"]]
        assert sum(layer.n_parameters for layer in told.layers) == told.n_parameters == network.n_parameters
        assert (told.input_shape, told.dtype) == (network.input_shape, network.dtype.name)
        for what in ("loss", "optimizer"):
            wanted = None if described[what] is None else {key: value for key, value in described[what].items() if key != "rung"}
            assert getattr(told, what) == wanted
        assert (told.n_steps, told.n_epochs, told.seed) == (network.n_steps, network.n_epochs, network.seed)
        assert (told.place, told.metadata, told.has_average) == (network.place, network.metadata, network.trajectory is not None)
        assert {one.installed for one in told.providers} == {nn.__version__}


def test_a_fit_that_was_cut_short(tmp_path: Path) -> None:
    cut_short().save(tmp_path / "net.nncore")
    [told] = file_info(tmp_path / "net.nncore").networks
    assert [text.partition("(")[0] for text in told.callbacks] == ["EarlyStopping"]
    assert told.shows_other_parameters
    assert told.has_optimizer_state
    assert told.name is None


def test_plugins_are_named_and_not_imported(tmp_path: Path) -> None:
    """Plugins are named and not imported, for a file that needs two plugins; the installed one would report its import."""
    site, path = FakeSite(tmp_path / "site"), tmp_path / "net.nncore"
    site.folder.mkdir()
    site.write("nncore-here", "raise SystemExit('a plugin was imported')", version="2.0")
    trained().save(path)
    table = {
        "layers": {
            "nncore-here/a": {"plugin": "nncore-here", "version": "1.0"},
            "nncore-gone/b": {"plugin": "nncore-gone", "version": "3.0"},
        }
    }
    path.write_bytes(with_field(path.read_bytes(), "components", table | {"losses": {"mine": {"registered": "at run time"}}}))
    code = (
        "import sys; from nncore.inspection import file_info; [told] = file_info(sys.argv[1]).networks\n"
        "print([(one.name, one.plugin, one.version, one.installed) for one in told.providers])"
    )
    paths = os.pathsep.join([str(site.folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=os.environ | {"PYTHONPATH": paths}, check=True, capture_output=True, text=True
    )
    assert eval(done.stdout) == [
        ("nncore-here/a", "nncore-here", "1.0", "2.0"),
        ("nncore-gone/b", "nncore-gone", "3.0", None),
        ("mine", "", "", None),
    ]


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
    return file.getvalue()


def arrayed() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"junk", "its first bytes are b'junk'"),
        (zipped(), "ZIP archive"),
        (pickle.dumps({"a": 1}), "may be a pickle"),
        (arrayed(), "an array of NumPy"),
        (b"\x1f\x8b\x08", "compressed with gzip"),
        (b"\x89HDF\r\n", "HDF5"),
        ((30).to_bytes(8, "little") + b'{"__metadata__":{"format":"pt"}}', "tensors that another program wrote"),
    ],
    ids=["empty", "text", "zip", "pickle", "npy", "gzip", "hdf5", "safetensors"],
)
def test_other_files_are_recognised(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    path.write_bytes(content)
    for read in (file_info, nn.load):
        with pytest.raises(FileFormatError, match=rf"net\.nncore.*{message}"):
            read(path)


def test_what_is_wrong_is_told_with_its_place(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    end = 8 + int.from_bytes(whole[:8], "little")

    def table(change: Any) -> bytes:
        return tampered(whole, lambda header: header["parameters/dense_1.weight"].update(change))

    for bad, message in (
        (whole[: end - 10], rf"its header ends at byte {end}, and it has {end - 10} bytes"),
        (whole[:-10], rf"the checksum of its {len(whole) - 10} bytes does not match"),
        (with_field(whole, "n_steps", -1), "'n_steps' must be a whole number, 0 or greater, got -1"),
        (with_field(whole, "encoding", {"format": 99}), "columns are described in format 99"),
        (tampered(whole, lambda header: network_in(header).pop("seed")), "has no 'seed'"),
        (table({"shape": [10**6]}), "'parameters/dense_1.weight' does not start and end where"),
        (table({"dtype": "F8"}), "'parameters/dense_1.weight' holds 'F8'"),
    ):
        path.write_bytes(bad)
        for read in (file_info, nn.load):
            with pytest.raises(FileFormatError, match=message):
                read(path)


def test_what_it_tells_is_plain(tmp_path: Path) -> None:
    trained().save(tmp_path / "net.nncore")
    told = file_info(tmp_path / "net.nncore")
    assert json.loads(json.dumps(asdict(told)))["networks"][0]["dtype"] == "float32"

"""Networks are written to and read from open files: in memory, without seeking, compressed; other objects are refused."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import FileFormatError, ParameterError
from nncore.inspection import file_info

X = np.random.default_rng(0).normal(size=(20, 2))


@pytest.fixture
def net() -> nn.Sequential:
    made = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(1)).build(2, loss="mse", optimizer="adam", rng=0)
    made.fit(X, X[:, :1], epochs=2, progress=False)
    return made


def written(net: nn.Sequential) -> bytes:
    """The bytes of the network's file."""
    file = io.BytesIO()
    net.save(file)
    return file.getvalue()


def test_memory_holds_what_the_file_would(net: nn.Sequential, tmp_path: Path) -> None:
    net.save(tmp_path / "net.nncore")
    assert written(net) == (tmp_path / "net.nncore").read_bytes()
    again = nn.load(io.BytesIO(written(net)))
    np.testing.assert_array_equal(again.parameters, net.parameters)
    for one in (net, again):
        one.fit(X, X[:, :1], epochs=1, progress=False)
    np.testing.assert_array_equal(again.parameters, net.parameters)


def test_it_is_written_and_read_where_the_file_stands_and_stays_open(net: nn.Sequential) -> None:
    file = io.BytesIO(b"four" * 1000)
    file.seek(4)
    net.save(file)
    assert file.tell() == 4 + len(written(net))
    assert file.getvalue()[:4] == b"four"
    file.truncate()
    file.seek(4)
    nn.load(file)
    assert not file.closed


def test_what_was_written_and_not_gone_back_to_says_so(net: nn.Sequential) -> None:
    file = io.BytesIO()
    net.save(file)
    for read in (nn.load, nn.load_many, file_info):
        with pytest.raises(FileFormatError, match=r"the file object has nothing to read at its current position: call seek\(0\)"):
            read(file)


@pytest.mark.parametrize("buffering", [0, -1])
def test_files_on_disk(net: nn.Sequential, tmp_path: Path, buffering: int) -> None:
    path = tmp_path / "net.nncore"
    with open(path, "wb", buffering=buffering) as file:
        net.save(file)
    with open(path, "rb", buffering=buffering) as file:
        assert file_info(file).path == str(path)
        file.seek(0)
        np.testing.assert_array_equal(nn.load(file).parameters, net.parameters)
    with gzip.open(path, "wb") as file:
        net.save(file)
    with gzip.open(path) as file:
        np.testing.assert_array_equal(nn.load(file).parameters, net.parameters)
    for temporary in (tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile):
        with temporary() as kept:
            net.save(kept)
            kept.seek(0)
            np.testing.assert_array_equal(nn.load(kept).parameters, net.parameters)


def test_a_pipe_which_nobody_can_seek_in(net: nn.Sequential) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source:

        def send() -> None:
            with os.fdopen(writing, "wb", buffering=0) as target:
                net.save(target)

        sender = threading.Thread(target=send)
        sender.start()
        again = nn.load(source)
        sender.join()
    np.testing.assert_array_equal(again.parameters, net.parameters)


class Dripping:
    """A file that reads and writes a few bytes at a time, and has no other methods."""

    def __init__(self, content: bytes = b"") -> None:
        self.content, self.at = bytearray(content), 0

    def write(self, part: Any) -> int:
        taken = bytes(part[:100])
        self.content += taken
        return len(taken)

    def read(self) -> bytes:
        part = bytes(self.content[self.at : self.at + 100])
        self.at += len(part)
        return part


def test_files_that_take_and_give_some_bytes_at_a_time(net: nn.Sequential) -> None:
    file: Any = Dripping()
    net.save(file)
    assert bytes(file.content) == written(net)
    np.testing.assert_array_equal(nn.load(file).parameters, net.parameters)


def test_several_networks(net: nn.Sequential) -> None:
    file = io.BytesIO()
    nn.save_many({"one": net, "two": net}, file)
    many = nn.load_many(io.BytesIO(file.getvalue()))
    assert isinstance(many, dict)
    assert list(many) == ["one", "two"]
    info = file_info(io.BytesIO(file.getvalue()))
    assert (info.path, info.n_bytes, len(info.networks)) == ("the file object", len(file.getvalue()), 2)


def test_an_export_goes_by_the_name_of_the_file(net: nn.Sequential, tmp_path: Path) -> None:
    file: Any = io.BytesIO()
    with pytest.raises(ParameterError, match=r"a name without a suffix: .*a file object without a name, set file\.name = 'model"):
        net.export(file)
    file.name = "net.py"
    net.export(file)
    net.export(tmp_path / "net.py")
    assert file.getvalue() == (tmp_path / "net.py").read_bytes()


def test_a_failed_save_writes_nothing(net: nn.Sequential) -> None:
    file = io.BytesIO()
    net.metadata = {"x": object()}
    for save in (net.save, net.check_save):
        with pytest.raises(ParameterError, match="metadata"):
            save(file)
    assert file.getvalue() == b""


def test_check_save_leaves_the_file_as_it_is(net: nn.Sequential) -> None:
    file = io.BytesIO(b"kept")
    net.check_save(file)
    assert (file.getvalue(), file.tell()) == (b"kept", 0)


def test_damage_is_told_as_of_files(net: nn.Sequential) -> None:
    damaged = bytearray(written(net))
    damaged[-1] ^= 1
    with pytest.raises(FileFormatError, match="the file object cannot be loaded: it is damaged or cut short"):
        nn.load(io.BytesIO(bytes(damaged)))


def texts(folder: Path) -> list[IO[Any]]:
    (folder / "net.nncore").write_text("text")
    return [io.StringIO("text"), open(folder / "net.nncore"), open(folder / "new.nncore", "w"), tempfile.NamedTemporaryFile("w+")]


@pytest.mark.parametrize("number", range(4))
def test_files_of_texts_are_refused(net: nn.Sequential, tmp_path: Path, number: int) -> None:
    files = texts(tmp_path)
    calls: list[Callable[[Any], Any]] = [net.save, net.check_save, nn.load, nn.load_many, file_info, lambda file: nn.save_many([net], file)]
    for call in calls:
        with pytest.raises(ParameterError, match=r"path is a file of texts: open it in binary mode, .* or use io.BytesIO"):
            call(files[number])
    for file in files:
        file.close()


class Texts:
    """A text file that does not look like one."""

    def read(self) -> str:
        return "text"

    def write(self, part: str) -> int:
        return len(part + "")


def test_files_that_turn_out_to_be_of_texts_are_refused(net: nn.Sequential) -> None:
    for call in (net.save, nn.load):
        with pytest.raises(ParameterError, match="file of texts"):
            call(Texts())  # type: ignore[arg-type]


def test_files_of_the_wrong_direction_are_refused(net: nn.Sequential, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    net.save(path)
    with open(path, "rb") as file:
        for save in (net.save, net.check_save):
            with pytest.raises(ParameterError, match="not a writable file: open it with 'wb'"):
                save(file)
    with open(tmp_path / "new.nncore", "wb") as file, pytest.raises(ParameterError, match=r"not a readable file.*'rb'"):
        nn.load(file)
    with pytest.raises(ParameterError, match="a file that is closed: open it again"):
        net.save(file)


@pytest.mark.parametrize("place", [None, 3, b"net.nncore", ["net.nncore"], ""], ids=repr)
def test_what_is_neither_path_nor_file_is_refused(net: nn.Sequential, place: Any) -> None:
    for call in (net.save, nn.load, file_info):
        with pytest.raises(ParameterError, match="path must be a path"):
            call(place)

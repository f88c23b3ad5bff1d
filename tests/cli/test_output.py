from __future__ import annotations

import os
from pathlib import Path

import pytest

from nncore.cli.output import check_output, write_atomically
from nncore.errors import ParameterError


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_atomically(path, "a\n")
    write_atomically(path, "ü\r\n")
    assert path.read_bytes() == "ü\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, file = tmp_path / "link.csv", tmp_path / "out.csv"
    link.symlink_to(file)
    write_atomically(link, "a\n")
    assert link.is_symlink()
    assert file.read_text() == "a\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_output(pipe)
        write_atomically(pipe, "a\n")
        assert os.read(reader, 10) == b"a\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(ParameterError, match="device or a pipe"):
        check_output(pipe, may_be_stream=False)


def test_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_output(tmp_path / "new.csv")
    with pytest.raises(ParameterError, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(ParameterError, match="there is no folder"):
        check_output(tmp_path / "none" / "new.csv")
    data = tmp_path / "data.csv"
    data.write_text("a\n")
    check_output(data)  # an older result may be replaced
    with pytest.raises(ParameterError, match="is a file that is read"):
        check_output(tmp_path / "." / "data.csv", data)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ParameterError, match="may not write"):
        check_output(tmp_path / "new.csv")

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nncore.cli.output import check_output, save_figure
from nncore.errors import ParameterError


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_one_only_where_it_may_be(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_output(pipe)
    with pytest.raises(ParameterError, match="device or a pipe"):
        check_output(pipe, may_be_stream=False)


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a"])
def test_pictures(tmp_path: Path, name: str) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    save_figure(figure, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"<?xml" if name.endswith("svg") else b"\x89PNG")
    assert os.listdir(tmp_path) == [name]


def test_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_output(tmp_path / "new.csv")
    with pytest.raises(ParameterError, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(ParameterError, match="does not exist; create it"):
        check_output(tmp_path / "none" / "new.csv")
    data = tmp_path / "data.csv"
    data.write_text("a\n")
    check_output(data)  # an older result may be replaced
    with pytest.raises(ParameterError, match="is also an input file"):
        check_output(tmp_path / "." / "data.csv", data)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ParameterError, match="no permission to write"):
        check_output(tmp_path / "new.csv")

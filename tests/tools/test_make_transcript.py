from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
#: A folder with the tables, which are too large for the repository.
DATA = Path(os.environ.get("NNCORE_DATA", "data"))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_transcript", ROOT / "tools" / "make_transcript.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="the transcript is made by a shell")
def test_durations_and_progress_are_left_out(tool: ModuleType, tmp_path: Path) -> None:
    command = (
        "echo 'trained     3 epochs; 0.13 s in all'; echo ' 10 %  epoch 20/200  loss 0.5' >&2; echo '61.2 % of 3 sorts'; nncore --version"
    )
    lines = tool.printed(command, str(tmp_path)).splitlines()
    assert lines[:2] == ["trained     3 epochs; … s in all", "61.2 % of 3 sorts"]
    assert lines[2].startswith("nncore ")


def test_the_transcript_has_every_command(tool: ModuleType) -> None:
    text = (ROOT / "docs" / "transcripts" / "train.md").read_text(encoding="utf-8")
    position = 0
    for heading, about, _, commands in tool.CHAPTERS:
        for piece in (f"## {heading}\n", about, *(f"$ {command}\n" for command in commands)):
            assert piece in text[position:]
            position = text.index(piece, position)
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="no folder of tables: set NNCORE_DATA to it")
@pytest.mark.skipif(sys.platform == "win32", reason="the transcript is made by a shell")
def test_a_newcomer_meets_no_error(tool: ModuleType, tmp_path: Path) -> None:
    """The first command of every chapter works for a newcomer."""
    for _, _, files, commands in tool.CHAPTERS[:3]:
        for source, name in files:
            tool.bring(DATA / source, tmp_path / name)
        assert "score       accuracy" in tool.printed(commands[0], str(tmp_path))

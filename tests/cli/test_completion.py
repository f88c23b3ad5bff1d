"""``nncore completion``: its scripts, run by the shells."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nncore import registry
from nncore.cli import COMMANDS, main, make_parser
from nncore.cli.command_tree import describe
from nncore.cli.settings import OPTIONS, long_name
from nncore.cli.shells import SCRIPTS

SHELLS = sorted(SCRIPTS)


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Path]:
    def written(shell: str) -> Path:
        if shutil.which(shell) is None:
            pytest.skip(f"there is no {shell} here")
        assert main(["completion", shell]) == 0
        path = tmp_path / f"nncore.{shell}"
        path.write_text(capsys.readouterr().out, encoding="utf-8")
        return path

    return written


def completed(shell: str, path: Path, *words: str) -> list[str]:
    """Completions that a shell offers for the last of some words."""
    if shell == "bash":
        program = f'source {path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nncore; printf "%s\\n" "${{COMPREPLY[@]}}"'
        command = ["bash", "--norc", "-c", program, "bash", *words]
    else:
        command = ["fish", "--no-config", "-c", f"source {path}; complete -C {' '.join(words)!r}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=path.parent)
    return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_its_script(shell: str, script: Callable[[str], Path]) -> None:
    path = script(shell)
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_what_a_shell_offers(shell: str, script: Callable[[str], Path]) -> None:
    path = script(shell)
    (path.parent / "table of mine.csv").write_text("x,y\n1,2\n")
    commands = {command.replace("_", "-") for command in COMMANDS}
    assert commands <= set(completed(shell, path, "nncore", ""))
    assert completed(shell, path, "nncore", "tra") == ["train"]
    assert set(completed(shell, path, "nncore", "train", "--task", "")) == {"classification", "regression"}
    assert completed(shell, path, "nncore", "train", "--loss", "hu") == ["huber"]
    assert set(completed(shell, path, "nncore", "train", "--optimizer", "")) == set(registry.names("optimizers"))
    assert set(completed(shell, path, "nncore", "train", "--weight")) == {"--weight-column", "--weight-decay"}
    assert set(completed(shell, path, "nncore", "new-plugin", "lo")) == {"loss"}
    assert len(completed(shell, path, "nncore", "predict", "tab")) == 1
    assert completed(shell, path, "nncore", "train", "--lr", "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_of_every_command_is_in_every_script(shell: str) -> None:
    commands = list(describe(make_parser()))
    assert {command.name for command in commands} == {"", *(command.replace("_", "-") for command in COMMANDS)}
    text = SCRIPTS[shell](commands)
    for command in commands:
        assert command.name in text
        for option in command.options:
            for name in option.names:
                assert (name.lstrip("-") if shell == "fish" else name) in text
            assert all(value in text for value in option.values)
    assert {f"--{long_name(name)}" for name in OPTIONS if name != "data"} <= {
        name for command in commands if command.name == "train" for option in command.options for name in option.names
    }


def test_kinds_of_options_are_kinds() -> None:
    assert {option.kind for option in OPTIONS.values()} - {""} <= set(registry.KINDS)


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "tcsh"])
    assert "bash" in capsys.readouterr().err

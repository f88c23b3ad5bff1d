from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

import nncore
from nncore.cli import info, main
from nncore.errors import DataError


def raises(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        raise error

    return run


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nncore {nncore.__version__}\n"
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("demo", "train", "predict", "quantize", "export", "info", "plugins"))
    assert "exit codes: 0 success" in shown


@pytest.mark.parametrize(
    "argv", [["nonsense"], ["train"], ["train", "x.csv"], ["train", "x.csv", "--target", "y", "--epochs", "0"], ["--nonsense"]]
)
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"nncore( train)?: error: .+ \(see nncore( train)? --help\)\n", error)


@pytest.mark.parametrize("command", ["demo", "train", "predict", "quantize", "export", "info", "plugins"])
def test_help_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    assert f"usage: nncore {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("line 3 is odd"), 2, "nncore: error: line 3 is odd\n"),
        (OSError(5, "Input/output error", "m.nncore"), 2, "nncore: error: m.nncore: Input/output error\n"),
        (OSError(28, "No space left on device"), 2, "nncore: error: No space left on device; free some space or write to another disk\n"),
        (ImportError("NNCORE_CPU=v9: this build offers ['portable']"), 2, "nncore: error: NNCORE_CPU=v9: this build offers ['portable']\n"),
        (KeyboardInterrupt(), 130, "nncore: interrupted\n"),
    ],
)
def test_errors_are_one_sentence(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(info, "run", raises(error))
    assert main(["info"]) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", message)


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(info, "run", raises(DataError("line 3 is odd")))
    monkeypatch.setenv("NNCORE_TRACEBACK", "1")
    with pytest.raises(DataError):
        main(["info"])


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(info, "run", raises(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["info"])


def test_warnings_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    def run(arguments: argparse.Namespace) -> int:
        warnings.simplefilter("always")
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(info, "run", run)
    assert main(["info"]) == 0
    assert capsys.readouterr().err == "nncore: warning: mind the gap\n"


def test_the_reader_going_away_is_quiet() -> None:
    with subprocess.Popen([sys.executable, "-m", "nncore", "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
    assert (process.returncode, complaint) == (141, b"")


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "nncore", "--version"], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout == f"nncore {nncore.__version__}\n"

"""No control character from a file or the command line reaches the terminal, and only `terminal` prints."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from each import each

from nncore.cli import COMMANDS, main, make_parser, terminal
from nncore.errors import DataError

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200f\u2028\x08\r\n\x7f\ufeffend"


def is_safe(text: str) -> bool:
    return not terminal._UNPRINTABLE_IN_LINES.search(text)


def modules() -> list[Path]:
    return sorted(Path(terminal.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", [path for path in modules() if path.name != "terminal.py"], ids=lambda path: path.stem)
def test_nothing_else_prints(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call for call in calls if call == "print" or call.endswith(("stdout.write", "stderr.write", "stdout.buffer.write"))] == []
    assert "ensure_ascii=False" not in path.read_text(encoding="utf-8")


def calls() -> dict[str, list[str]]:
    """For each subcommand, every argument that takes a text."""
    parser = make_parser()
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    found: dict[str, list[str]] = {}
    for name, command in commands.choices.items():
        needed = [name, *(HOSTILE for action in command._actions if not action.option_strings and action.nargs is None)]
        found[name] = needed
        for action in command._actions:
            if action.nargs != 0:
                option = action.option_strings[-1:]
                found[" ".join([name, *(option or [action.dest])])] = [*needed, *option, *([HOSTILE] if option or action.nargs else [])]
    return found


CALLS = calls()


@each("raised", [DataError, OSError, ImportError])
@pytest.mark.parametrize("call", CALLS)
def test_arguments_and_errors_are_escaped(
    call: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(parsed: argparse.Namespace) -> int:
        warnings.warn(HOSTILE, UserWarning, stacklevel=1)
        raise OSError(5, HOSTILE, HOSTILE) if raised is OSError else raised(" ".join(map(str, [HOSTILE, *vars(parsed).values()])))

    command, *arguments = CALLS[call]
    monkeypatch.setattr(importlib.import_module(f"nncore.cli.{command.replace('-', '_')}"), "run", run)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert _code([command, *arguments]) == 2
    captured = capsys.readouterr()
    assert is_safe(captured.out + captured.err)
    assert "nncore" in captured.err


def _code(arguments: list[str]) -> int | str | None:
    try:
        return main(arguments)
    except SystemExit as error:
        return error.code


def test_every_command_is_tried() -> None:
    assert {arguments[0].replace("-", "_") for arguments in CALLS.values()} == set(COMMANDS)
    assert len(CALLS) > 50


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A file with hostile names and labels."""
    path = tmp_path / "hostile.csv"
    rows = "".join(f'{i % 17}.5,"{HOSTILE}{i % 3}",x,"{HOSTILE}{"yes" if i % 17 > 8 else "no"}"\n' for i in range(120))
    path.write_text(f'"number {HOSTILE}","word {HOSTILE}","always {HOSTILE}","target {HOSTILE}"\n{rows}', encoding="utf-8", newline="")
    return path


def test_names_and_labels_of_a_file(hostile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    train = ["train", str(hostile), "--target", f"target {HOSTILE}", "--out", str(model), "--epochs", "2", "--hidden", "4"]
    assert main(train) == 0
    assert main([*train, "--class-weight", f"{HOSTILE}yes=2", "--cv", "2"]) == 0
    captured = capsys.readouterr()
    assert is_safe(captured.out + captured.err)
    assert "target \\x1b[2J" in captured.out
    assert main([*train, "--json", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert is_safe(text)
    assert json.loads(text)["target"] == f"target {HOSTILE}"
    assert main([*train, "--print-config"]) == 0
    text = capsys.readouterr().out
    assert is_safe(text)
    assert tomllib.loads(text)["data"]["target"] == f"target {HOSTILE}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"x,", b'"oth\x1ber",'),
        (b"0.5,", b'"\x1bno number",'),
        (b'","target', b'","more \x1b","target'),
        (b"number", b"numb\x1ber"),
        (b"yes", b"yes\x1b"),
    ],
    ids=["level", "number", "width", "column", "class"],
)
def test_what_predict_says(hostile: Path, old: bytes, new: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = tmp_path / "m.nncore", tmp_path / "a.csv"
    keep = ["--keep", f"always {HOSTILE}"]
    train = ["train", str(hostile), "--target", f"target {HOSTILE}", "--out", str(model), "--epochs", "1", "--quiet", *keep]
    assert main(train) == 0
    hostile.write_bytes(hostile.read_bytes().replace(old, new))
    assert main(["predict", str(model), str(hostile), "--out", str(out)]) in (0, 2)
    captured = capsys.readouterr()
    assert is_safe(captured.out + captured.err)
    assert captured.err


def test_a_report_shows_them_and_holds_none(hostile: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = tmp_path / "r.html"
    assert main(["train", str(hostile), "--target", f"target {HOSTILE}", "--report", str(report), "--epochs", "1", "--quiet"]) == 0
    text = report.read_text(encoding="utf-8")
    assert is_safe(text)
    assert "target \\x1b[2J" in text


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])
def test_answers_are_escaped_at_a_terminal_and_exact_elsewhere(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    terminal.standard_output().write("a\x1b,b\n")
    assert capsys.readouterr().out == ("a\\x1b,b\n" if is_terminal else "a\x1b,b\n")


def test_what_is_printable_stays() -> None:
    text = "Größe, 温度, شاخص \N{ZERO WIDTH NON-JOINER}, e\u0301, 👩‍🔬, 1\N{NO-BREAK SPACE}000, \\x1b"
    assert terminal.printable(text) == text


@pytest.mark.parametrize("write", [terminal.notice, lambda text: terminal.say(terminal.labelled("note", text))], ids=["notice", "labelled"])
@pytest.mark.parametrize("cell", ["a" * 1_000_000, "a b " * 250_000], ids=["word", "words"])
def test_a_cell_of_a_million_letters_is_not_printed(cell: str, write: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    write(f"column 'x' holds {cell} and so on")
    captured = capsys.readouterr()
    assert len(captured.out + captured.err) < 5000
    assert "and so on" in captured.out + captured.err

"""Pages of the documentation as programs: their blocks are run in order, and must print the output on the page.

- Python blocks share one namespace. What one prints stands in the ``text`` block after it.
- A ``console`` block has commands after ``$ `` and their output, errors included.
- ``sh`` blocks are not run here: they install things. `tests/plugins/test_guide.py` runs those of the tutorial on plugins, and
  `tests/test_install_page.py` those of the page on installation.
- ``{code-block} python`` blocks are not run here either: they want libraries that the tests do without, and the rest of their page does
  not. `tests/docs/test_other_libraries.py` says where each is run.

Numbers with a point may differ in the last digits, since CPUs round differently and training amplifies it; so may all numbers of a line
that counts epochs or seconds. ``…`` stands for anything.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from registering import forgetting

#: Folders of `docs/` with records of what was done once, by commands that take long or with data that are not here.
RECORDS = ("benchmarks", "decisions", "transcripts")

_NUMBER = r"-?\d+\.\d*"
#: Shown only where a fit takes more than half a second, and on no page.
_PROGRESS = re.compile(r"^( *\d+ %  (epoch|network) |ended early: ).*\n", re.MULTILINE)
_COUNTS = re.compile(r"\bepochs?\b|\d m?s\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the number of its first line."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page that have a language (a directive has none)."""
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [Block(match[1], match[2], page.count("\n", 0, match.start(2)) + 1) for match in found]


def directives(page: str) -> list[Block]:
    """The Python blocks of a page that are directives, without their options."""
    found = re.finditer(r"^```\{code-block\} python\n(?:(?::[^\n]*\n)+\n)?(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [Block("python", match[1], page.count("\n", 0, match.start(1)) + 1) for match in found]


def table_rows(page: str) -> list[list[str]]:
    """The cells of each row of the tables of a page, heads included."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]


def check_output(printed: str, promised: str, where: str) -> None:
    """Fail unless `printed` is the output on the page, up to white space and the digits that may differ."""
    numbers: list[float] = []
    pattern = r"\s*".join(_line_pattern(line, numbers) for line in promised.split("\n") if line.strip())
    found = re.fullmatch(rf"\s*{pattern}\s*", printed)
    assert found is not None, f"{where} promises\n{promised}\nand there is\n{printed}"
    assert [float(group) for group in found.groups()] == pytest.approx(numbers, rel=0.05, abs=0.02), f"{where}: there is\n{printed}"


def _line_pattern(line: str, numbers: list[float]) -> str:
    """A regular expression for one line; its groups are to be compared with `numbers`."""
    is_count = _COUNTS.search(line) is not None
    pattern = ""
    for part in re.split(rf"({_NUMBER}|\d+|…|\s+)", line.strip()):
        if part == "…":
            pattern += r"[\s\S]*?"
        elif part.isspace():
            pattern += r"\s+"
        elif is_count and part[:1].isdigit():
            pattern += r"[\d.]+"
        elif re.fullmatch(_NUMBER, part):
            numbers.append(float(part))
            pattern += rf"({_NUMBER})"
        else:
            pattern += re.escape(part)
    return pattern


def run_page(path: Path, folder: Path) -> None:
    """Run a page in an empty working directory.

    Afterwards its registrations are removed and its figures closed: matplotlib warns of more than 20.
    """
    found = blocks(path.read_text(encoding="utf-8"))
    namespace: dict[str, object] = {"__name__": "page"}
    printed: tuple[str, str] | None = None  # place and output, until a text block with the output follows
    with contextlib.chdir(folder), forgetting():
        for block in found:
            where = f"{path.name}:{block.line}"
            if block.language == "text":
                assert printed is not None, f"{where}: no block before this one has an output to compare"
                check_output(printed[1], block.text, where)
                printed = None
                continue
            assert not (printed and printed[1].strip()), f"{printed[0]} prints this, which the page does not show:\n{printed[1]}"
            printed = None
            if block.language == "python":
                printed = where, run_python(path, block, namespace)
            elif block.language == "console":
                _run_console(block, where)
            elif block.language == "c":
                Path("main.c").write_text(block.text, encoding="utf-8")  # for the commands that follow
    assert not (printed and printed[1].strip()), f"{printed[0]} prints this, which the page does not show:\n{printed[1]}"


def run_python(path: Path, block: Block, namespace: dict[str, object]) -> str:
    """Run a block in a namespace, and return what it prints."""
    code = compile("\n" * (block.line - 1) + block.text, str(path), "exec")  # so that a traceback shows the line of the page
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, namespace)
    return output.getvalue()


def _commands(console: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with its output."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def _run_console(block: Block, where: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "72"}
    for command, output in _commands(block.text):
        done = subprocess.run(
            ["bash", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=120
        )
        check_output(_PROGRESS.sub("", done.stdout), output, f"{where} $ {command}")
        assert done.returncode == 0 or "error" in output, f"{where} $ {command}: exit code {done.returncode}"

"""The commands of the tutorial on plugins, run as written in a new environment, next to a copy of the tree."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import blocks, check_output

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "tutorials" / "your-own-plugin.md"
OVERVIEW = ROOT / "plugins" / "README.md"
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.so", "*.egg-info", "build", "dist", "tests")
MARK = "@@ began"


def commands(block: str) -> list[str]:
    """A block's commands, each with its here-document."""
    found: list[str] = []
    end = ""
    for line in block.splitlines():
        if end:
            found[-1] += f"\n{line}"
            end = "" if line == end else end
        else:
            found.append(line)
            here = re.search(r"<<'(\w+)'", line)
            end = here[1] if here else ""
    return found


def test_a_here_document_belongs_to_its_command() -> None:
    assert commands("cd x\ncat > y <<'EOF'\na\n\nb\nEOF\nls\n") == ["cd x", "cat > y <<'EOF'\na\n\nb\nEOF", "ls"]


def steps_of(page: str) -> tuple[list[str], dict[int, str]]:
    """The commands of a page, and the output shown for some of them, in ``text`` blocks."""
    steps: list[str] = []
    promised: dict[int, str] = {}
    for block in blocks(page):
        if block.language == "sh":
            steps += commands(block.text)
        elif block.language == "text":
            promised[len(steps) - 1] = block.text
    return steps, promised


def test_the_overview_names_every_plugin() -> None:
    linked = re.findall(r"\]\((nncore-[\w-]+)/README\.md\)", OVERVIEW.read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(path.name for path in OVERVIEW.parent.iterdir() if path.is_dir())
    assert all((OVERVIEW.parent / name / "README.md").is_file() for name in linked)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are for a POSIX shell")
def test_the_walk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole tutorial works; needs a package index and a compiler, and prints the seconds that each command takes."""
    tree = tmp_path / "nncore"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    steps, promised = steps_of(GUIDE.read_text(encoding="utf-8"))
    assert len(steps) > 15
    assert len(promised) >= 5
    script = "\n".join(["set -e", *(f'echo "{MARK} $EPOCHREALTIME"\n{step}' for step in steps), f'echo "{MARK} $EPOCHREALTIME"'])
    blocking = ("NNCORE_", "PYTHON", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(blocking)} | {"LC_NUMERIC": "C"}
    done = subprocess.run(["bash", "-c", script], cwd=tree, env=environment, capture_output=True, text=True)
    began = [float(time) for time in re.findall(rf"^{MARK} ([\d.]+)$", done.stdout, re.MULTILINE)]
    seconds = [after - before for before, after in itertools.pairwise(began)]
    with capsys.disabled():
        for step, taken in zip(steps, seconds, strict=False):
            print(f"\n{taken:7.1f} s  {step.splitlines()[0]}", end="")
        print(f"\n{sum(seconds):7.1f} s  in all")
    assert done.returncode == 0, f"after {steps[len(began) - 1]!r}:\n{done.stdout[-5000:]}\n{done.stderr[-3000:]}"
    for step, text in promised.items():
        check_output(done.stdout.split(MARK)[step + 1].partition("\n")[2], text, steps[step].splitlines()[0])

"""For each missing prerequisite one sentence says what to install, before anything starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "check_prerequisites.sh"

pytestmark = pytest.mark.skipif(os.name != "posix" or not SCRIPT.exists(), reason="a POSIX shell and a source tree")

#: Behaves like a working Python 3.11 whose compiler is `mycc`.
PYTHON = """#!/bin/sh
case "$2" in
*version_info*) exit {version} ;;
*python_version*) echo 3.9.2 ;;
*ensurepip*) exit {venv} ;;
*Python.h*) exit {header} ;;
*CC*) echo "mycc -pthread" ;;
esac
"""
COMPILER = "#!/bin/sh\nexit {status}\n"


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def pretend(folder: Path, *, python: str = "python3", version: int = 0, venv: int = 0, header: int = 0, compiler: int | None = 0) -> None:
    """A folder of commands: a Python whose checks end with these exit codes, and a compiler, or none."""
    executable(folder / python, PYTHON.format(version=version, venv=venv, header=header))
    if compiler is not None:
        executable(folder / "mycc", COMPILER.format(status=compiler))
        executable(folder / "cc", COMPILER.format(status=compiler))


def check(folder: Path, **environment: str) -> tuple[int, str, list[str]]:
    """Exit code, the Python chosen and the messages, with only the commands in `folder`."""
    done = subprocess.run(["/bin/sh", str(SCRIPT)], env={"PATH": str(folder), **environment}, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.splitlines()


def test_this_machine_will_do() -> None:
    done = subprocess.run([SCRIPT], env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{sys.executable}\n", "")


def test_all_there(tmp_path: Path) -> None:
    pretend(tmp_path)
    assert check(tmp_path) == (0, f"{tmp_path}/python3", [])


def test_nothing_there(tmp_path: Path) -> None:
    code, chosen, sentences = check(tmp_path)
    assert (code, chosen) == (1, "")
    assert sentences == [
        "nncore needs Python 3.11 or newer, and there is no python3 that runs: sudo apt install python3 python3-venv python3-dev",
        "nncore needs a C compiler, and there is no cc: sudo apt install build-essential",
    ]


def test_python_too_old(tmp_path: Path) -> None:
    pretend(tmp_path, version=1)
    code, chosen, (sentence,) = check(tmp_path)
    assert (code, chosen) == (1, "")
    assert sentence.startswith("nncore needs Python 3.11 or newer, and python3 is 3.9.2: sudo apt install python3.11 ")


def test_a_newer_python_beside_an_old_one_is_taken(tmp_path: Path) -> None:
    pretend(tmp_path, version=1)
    pretend(tmp_path, python="python3.12")
    pretend(tmp_path, python="python3.13", version=127)  # the shim of a version manager without an installed version
    assert check(tmp_path) == (0, f"{tmp_path}/python3.12", [])


def test_an_asked_python_is_the_only_candidate(tmp_path: Path) -> None:
    pretend(tmp_path)
    pretend(tmp_path, python="old", version=1)
    assert check(tmp_path, PYTHON="old")[0] == 1
    assert check(tmp_path, PYTHON=str(tmp_path / "python3")) == (0, f"{tmp_path}/python3", [])


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ({"venv": 1}, "nncore needs the venv module of python3.12: sudo apt install python3.12-venv"),
        ({"header": 1}, "nncore needs the header Python.h of python3.12: sudo apt install python3.12-dev"),
        ({"compiler": None}, "nncore needs a C compiler, and there is no mycc: sudo apt install build-essential"),
        ({"compiler": 1}, "nncore needs the headers of the C library: sudo apt install libc6-dev"),
    ],
)
def test_one_thing_missing(tmp_path: Path, lacking: dict[str, int | None], sentence: str) -> None:
    pretend(tmp_path, python="python3.12", **lacking)
    assert check(tmp_path) == (1, "", [sentence])


def test_everything_missing_is_said_at_once(tmp_path: Path) -> None:
    pretend(tmp_path, venv=1, header=1, compiler=None)
    code, _, sentences = check(tmp_path)
    assert (code, len(sentences)) == (1, 3)


def test_asked_compiler(tmp_path: Path) -> None:
    pretend(tmp_path)
    assert check(tmp_path, CC="gcc-99 -O2")[2] == ["nncore needs a C compiler, and there is no gcc-99: sudo apt install build-essential"]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_stops_before_it_writes_anything(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "nncore").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(["make", "demo"], cwd=tmp_path, env=os.environ | {"PYTHON": "/nowhere/python3"}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("nncore needs Python 3.11 or newer, and there is no /nowhere/python3 that runs")
    assert sorted(tmp_path.rglob("*")) == before

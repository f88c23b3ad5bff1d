"""tools/other_builds.py: the copied files, and the compiler flags."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "other_builds.py"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("other_builds", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path / "root")
    return module


def test_a_copy_has_the_sources_and_keeps_what_was_compiled(tool: ModuleType, tmp_path: Path) -> None:
    root, to = tool.ROOT, tmp_path / "copy"
    for name in ("nncore/a.c", "nncore/a.so", "build/others/x.c", ".git/config", "tests/test_a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    tool.copy_tree(to)
    assert sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()) == ["nncore/a.c", "tests/test_a.py"]
    for name in ("nncore/b.so", "build/b.o", "tests/test_gone.py"):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).touch()
    before = (to / "nncore/a.c").stat().st_mtime_ns
    tool.copy_tree(to)
    assert (to / "nncore/a.c").stat().st_mtime_ns == before
    assert (to / "nncore/b.so").exists()
    assert (to / "build/b.o").exists()
    assert not (to / "tests/test_gone.py").exists()


def test_the_tests_that_it_runs_are_there(tool: ModuleType) -> None:
    root = SCRIPT.parents[1]
    assert [path for path in (*tool.TESTS, *tool.THREADED_TESTS) if not (root / path).exists()] == []


@pytest.mark.parametrize("sanitizer", ["address", "thread"])
@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
def test_gcc_says_where_its_sanitizers_are(tool: ModuleType, sanitizer: str) -> None:
    assert tool.runtime("gcc", sanitizer).endswith({"address": "libasan.so", "thread": "libtsan.so"}[sanitizer])


def test_a_compiler_that_is_not_there_is_named() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--compiler", "no-such-cc"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no compiler no-such-cc: install it" in done.stderr

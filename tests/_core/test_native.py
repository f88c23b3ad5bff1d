"""The choice of a CPU level at import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nncore._core import native


def import_native(level: str) -> subprocess.CompletedProcess[str]:
    script = "import nncore._core.native as n; print(n.LEVEL)"
    return subprocess.run([sys.executable, "-c", script], env=os.environ | {"NNCORE_CPU": level}, capture_output=True, text=True)


@pytest.mark.parametrize("level", [level for level in native.LEVELS if native.machine_can_run(level)])
def test_a_level_can_be_forced(level: str) -> None:
    assert import_native(level).stdout.strip() == level


def test_the_best_level_is_the_default() -> None:
    usable = [level for level in native.LEVELS if native.machine_can_run(level)]
    assert import_native("").stdout.strip() == usable[-1]


def test_an_unknown_level_is_refused_with_the_choice() -> None:
    done = import_native("v9")
    assert done.returncode != 0
    assert "NNCORE_CPU=v9: this build and machine offer ['portable'" in done.stderr


def test_portable_runs_everywhere() -> None:
    assert native.LEVELS[0] == "portable"
    assert native.machine_can_run("portable")
    assert not native.machine_can_run("abacus")

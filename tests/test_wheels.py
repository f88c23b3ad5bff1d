"""Wheels: which are built, and errors of the tool that checks them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

#: Versions and systems that the README promises.
PYTHONS = ("cp311", "cp312", "cp313", "cp314", "cp314t")
SYSTEMS = {
    "linux": ("manylinux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "musllinux_aarch64"),
    "macos": ("macosx_x86_64", "macosx_arm64"),
    "windows": ("win_amd64",),
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_wheels", ROOT / "tools" / "check_wheels.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_wheels"] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_wheels_promised_are_the_ones_built(system: str) -> None:
    pytest.importorskip("cibuildwheel", reason="cibuildwheel (dependency group wheels) says which wheels it would build")
    command = [sys.executable, "-m", "cibuildwheel", "--platform", system, "--print-build-identifiers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(f"{python}-{kind}" for python, kind in product(PYTHONS, SYSTEMS[system]))


def test_this_python_is_found(tool: ModuleType) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {one.name.removesuffix("t"): one for one in tool.interpreters()}
    assert version in found
    assert all(one.version >= (3, 11) for one in found.values())
    assert [one.version for one in found.values()] == sorted(one.version for one in found.values())


def test_a_wheel_that_is_too_large_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "nncore_ml-0.1.0-cp311-cp311-linux_x86_64.whl"
    wheel.write_bytes(bytes(tool.LARGEST_WHEEL + 1))
    with pytest.raises(SystemExit, match=r"3,000,001 bytes; 3,000,000 are the limit"):
        tool.check_file(wheel)


def test_tests_that_would_run_on_the_sources_are_refused(tool: ModuleType, tmp_path: Path) -> None:
    package = tmp_path / "nncore"
    package.mkdir()
    (package / "__init__.py").touch()
    with pytest.raises(SystemExit, match="would not run on the installed wheel"):
        tool.test(Path(sys.executable), [package], [])


def test_the_first_error_of_a_command_ends_the_check(tool: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"(?s)ended with code 3:.*too bad"):
        tool.run(sys.executable, "-c", "print('too bad'); raise SystemExit(3)")

"""plugins/nncore-wing: its NumPy form in the source tree; slow: built by cargo and installed, with its tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plugins.own_tests import run_own_tests
from plugins.test_muon_focal import fresh_environment, run

PROJECT = Path(__file__).parents[2] / "plugins" / "nncore-wing"
SOURCES_ONLY = shutil.ignore_patterns("__pycache__", "build", "target", "*.egg-info", "*.so", "*.pyd")

needs_cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed: https://rustup.rs, or apt install cargo")


def copy_to(folder: Path) -> Path:
    return Path(shutil.copytree(PROJECT, folder / PROJECT.name, ignore=SOURCES_ONLY))


def test_without_a_compiler_the_numpy_form_passes(tmp_path: Path) -> None:
    said = run_own_tests([copy_to(tmp_path)], tmp_path)
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) >= 10
    assert "not compiled: pip install . with cargo at hand" in said


@pytest.mark.skipif(sys.platform == "win32", reason="PATH finds programs of Windows in other places too")
def test_without_cargo_the_build_says_what_to_install(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext"], cwd=copy_to(tmp_path), env={"PATH": "/nowhere"}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "install cargo from https://rustup.rs" in done.stderr


@pytest.mark.slow
@needs_cargo
def test_the_crate_passes_its_own_tests_and_is_as_rust_is_written(tmp_path: Path) -> None:
    source = copy_to(tmp_path)
    said = run(["cargo", "test", "--locked", "--offline"], source)
    assert "2 passed" in said
    if shutil.which("rustfmt") is not None:
        run(["cargo", "fmt", "--check"], source)


@pytest.mark.slow
@needs_cargo
def test_one_wheel_serves_all_versions_and_passes_its_own_tests(tmp_path: Path) -> None:
    """One wheel, built from a source distribution without downloads, serves all versions of Python and passes its own tests."""
    pytest.importorskip("setuptools")
    source, python = copy_to(tmp_path), fresh_environment(tmp_path / "environment")
    build = f"from setuptools import build_meta; print(build_meta.build_sdist({str(tmp_path)!r}))"
    archive = tmp_path / run([sys.executable, "-c", build], source).splitlines()[-1]
    pip = [sys.executable, "-m", "pip"]
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--quiet"]
    run([*pip, "wheel", *offline, "--wheel-dir", str(tmp_path / "wheels"), str(archive)], tmp_path)
    (wheel,) = (tmp_path / "wheels").iterdir()
    assert "-cp311-abi3-" in wheel.name
    run([*pip, "--python", str(python), "install", *offline, str(wheel)], tmp_path)
    shutil.rmtree(source / "nncore_wing")  # the installed package is tested
    said = run([str(python), "-m", "pytest", "-q", "-rs", "--import-mode=importlib", "-W", "error", str(source / "tests")], tmp_path)
    assert "skipped" not in said
    assert "ok" in run([str(python), "-m", "nncore", "plugins", "--verify", "nncore-wing"], tmp_path)

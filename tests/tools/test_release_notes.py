"""Release notes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import nncore

TOOL = Path(__file__).parents[2] / "tools" / "release_notes.py"
CHANGELOG = """# Changelog

## 1.10.0 - 2027-01-02

### Added

- Ten.

## [1.1.0] - 2026-12-01

A sentence.

## 1.0.0 - 2026-11-30
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_notes", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_section_of_the_version(tool: ModuleType) -> None:
    assert tool.notes("1.10.0", CHANGELOG) == "### Added\n\n- Ten."
    assert tool.notes("1.1.0", CHANGELOG) == "A sentence."


@pytest.mark.parametrize("version", ["1.0.0", "1.1", "2.0.0"])
def test_a_version_without_a_word_is_refused(tool: ModuleType, version: str) -> None:
    with pytest.raises(SystemExit, match=f"says nothing of {version}: run towncrier"):
        tool.notes(version, CHANGELOG)


def test_another_version_than_nncores_is_refused() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "99.0.0"], capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr == f"the tag says 99.0.0, nncore/__init__.py {nncore.__version__}\n"

"""The plugin nncore-autograd in the source tree passes its own tests, and its page prints the output shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import run_page
from plugins.own_tests import environment_with, run_own_tests

PROJECT = Path(__file__).parents[2] / "plugins" / "nncore-autograd"


@pytest.mark.slow
def test_its_own_tests_pass(tmp_path: Path) -> None:
    pytest.importorskip("autograd", reason="pip install autograd")
    passed = re.search(r"(\d+) passed", run_own_tests([PROJECT], tmp_path))
    assert passed is not None
    assert int(passed[1]) >= 150


@pytest.mark.slow
def test_its_page_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("autograd")
    monkeypatch.syspath_prepend(str(PROJECT))
    run_page(PROJECT / "README.md", tmp_path)


def test_its_names_are_listed_without_autograd(tmp_path: Path) -> None:
    """Its names are listed without autograd, which the manifest does not import; components raise an error that names it."""
    code = """
import sys
sys.modules["autograd"] = None  # as if it were not installed
import nncore as nn
from nncore import registry
print(*sorted(found.name for info in registry.plugins() if info.module == "nncore_autograd.manifest" for _, found in info.components))
try:
    nn.get("activations", "smish")
except nn.errors.PluginError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment_with([PROJECT], tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names, message = done.stdout.splitlines()
    assert names == "factorization_machine robust smish"
    assert "autograd" in message

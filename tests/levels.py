"""Runs tests again at the CPU levels that this process did not choose at import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from _pytest.mark.structures import ParameterSet

from nncore._core import native

#: Empty in a process with a forced level: this module started it, and it must not start others.
OTHER_LEVELS = (
    [] if os.environ.get("NNCORE_CPU") else [level for level in native.LEVELS if level != native.LEVEL and native.machine_can_run(level)]
)


def other_levels(quick: str) -> list[ParameterSet]:
    """Parameters for `level`: `quick` ones and, among the slow tests, all others. Kinds of kernels take different quick levels."""
    return [pytest.param(level, marks=pytest.mark.slow if level != quick and quick in OTHER_LEVELS else ()) for level in OTHER_LEVELS]


def run_tests(level: str, *paths: str, without: tuple[str, ...] = ()) -> None:
    """Run the test files in a process whose kernels are those of `level`; raise AssertionError with its output if one fails.

    Parameters
    ----------
    level : str
    *paths : str
    without : tuple of str
        Parts of the names of tests to leave out, since they do not depend on the level.
    """
    chosen = ["-k", f"not ({' or '.join(without)})"] if without else []
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *chosen, *paths]
    environment = os.environ | {"NNCORE_CPU": level, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # loading plugins takes longer than the tests
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"at level {level}:\n{done.stdout}{done.stderr}"

"""The plugin nncore-mpi in the source tree passes its own tests, which start real processes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plugins.own_tests import run_own_tests

PROJECT = Path(__file__).parents[2] / "plugins" / "nncore-mpi"


@pytest.mark.slow
def test_its_own_tests_pass(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py", reason="pip install mpi4py mpich")
    passed = re.search(r"(\d+) passed", run_own_tests([PROJECT], tmp_path))
    assert passed is not None
    assert int(passed[1]) >= 10

"""The compiled constraints at every CPU level that this machine can run."""

from __future__ import annotations

from pathlib import Path

import pytest
from levels import other_levels, run_tests


@pytest.mark.parametrize("level", other_levels(quick="portable"))
def test_native_at_level(level: str) -> None:
    run_tests(level, str(Path(__file__).with_name("test_native.py")))

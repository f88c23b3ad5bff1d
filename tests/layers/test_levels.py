"""The compiled layers at every CPU level that this machine can run."""

from __future__ import annotations

from pathlib import Path

import pytest
from levels import OTHER_LEVELS, run_tests


@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_layers_at_level(level: str) -> None:
    names = ("test_batch_norm.py", "test_conformance.py", "test_dropout.py", "test_embedding.py", "test_fill_missing.py")
    run_tests(level, *(str(Path(__file__).with_name(name)) for name in names))

"""The compiled layers at every CPU level that this machine can run."""

from __future__ import annotations

from pathlib import Path

import pytest
from levels import OTHER_LEVELS, run_tests


@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_layers_at_level(level: str) -> None:
    names = ("batch_norm", "conformance", "dropout", "embedding", "fill_missing", "layer_norm")
    run_tests(level, *(str(Path(__file__).with_name(f"test_{name}.py")) for name in names))

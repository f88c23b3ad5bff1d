"""The quick tests for wheels exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "check_wheels.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="a source tree")


def test_quick_tests_exist() -> None:
    found = re.search(r"^QUICK_TESTS = \((.*?)^\)", SCRIPT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    names = re.findall(r'"([^"]+)"', found[1])
    assert len(names) >= 5
    assert [name for name in names if not (ROOT / "tests" / name).exists()] == []

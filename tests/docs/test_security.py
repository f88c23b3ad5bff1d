"""Each promise of SECURITY.md names tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pages import table_rows

ROOT = Path(__file__).parents[2]
ROWS = [row for row in table_rows((ROOT / "SECURITY.md").read_text(encoding="utf-8")) if row[0] != "promise"]


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_promise_names_tests_that_are_there(row: list[str]) -> None:
    _, tests = row
    named = re.findall(r"`([^`]+)`", tests)
    assert named
    for name in named:
        path, _, function = name.partition("::")
        assert (ROOT / path).is_file(), name
        assert not function or function in functions_of(ROOT / path), name


def test_there_are_promises() -> None:
    assert len(ROWS) >= 8

"""The table of what plugins can do has every kind and every package, and everything that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import table_rows

from nncore import plugin, registry
from nncore.registry import singular

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "what-plugins-can-do.md"
ROWS = [row for row in table_rows(PAGE.read_text(encoding="utf-8")) if row[0] not in ("kind", "what")]
KINDS = [row for row in ROWS if len(row) == 5]
DOORS = [row for row in ROWS if len(row) == 4]


def words_in_code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_kind_has_its_row() -> None:
    assert [row[0] for row in KINDS] != []
    assert {row[0] for row in KINDS} == set(registry.KINDS)


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row[0])
def test_what_an_author_writes_is_a_method_of_the_base_class(row: list[str]) -> None:
    base = getattr(plugin, singular(row[0]).title())
    for name in words_in_code(row[2]):
        assert callable(getattr(base, name)), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_tests_and_example_are_there(row: list[str]) -> None:
    tests, example = row[-2:]
    paths = [*words_in_code(tests), *words_in_code(example)]
    assert words_in_code(tests), "each row names its tests"
    pages = re.findall(r"\]\(([^)]+)\)", example)
    assert pages or words_in_code(example), "each row names an example"
    for path in paths:
        assert (ROOT / path).exists(), path
    for page in pages:
        assert (PAGE.parent / page).exists(), page


def test_every_package_is_an_example_or_stands_in_the_list_of_packages() -> None:
    listed = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
    for package in sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()):
        assert package in listed, package

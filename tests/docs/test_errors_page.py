"""The page of errors and warnings has every public class of `nncore.errors`, with a message as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import blocks, table_rows

from nncore import errors

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "errors.md"
TEXT = PAGE.read_text(encoding="utf-8")
CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, Exception) and found.__module__ == errors.__name__
}
#: The base class, which shows messages of its subclasses.
BASE = "NNCoreError"


def sections() -> dict[str, str]:
    """Text under each heading of the third level."""
    parts = re.split(r"^#{1,3} (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_there_are_classes() -> None:
    assert len(CLASSES) > 20


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_its_entry(name: str) -> None:
    entry = sections()[name]
    assert "**When.**" in entry
    assert "**Remedy.**" in entry
    shown = [block.text for block in blocks(entry) if block.language in ("text", "console")]
    wanted = rf"\b{name}: \S" if name != BASE else r"\w+Error\b"
    assert any(re.search(wanted, text) for text in shown), "the entry shows a message as it is printed"


def test_the_page_has_no_class_that_is_gone() -> None:
    named = set(re.findall(r"\b[A-Z]\w+(?:Error|Warning)\b", "".join(re.findall(r"^#+ .*$", TEXT, re.MULTILINE))))
    assert named == set(CLASSES)


def test_the_table_names_every_class_and_a_base_of_python() -> None:
    rows = [[re.sub(r".*`(\w+)`.*", r"\1", cell) for cell in row[:2]] for row in table_rows(TEXT) if len(row) == 3]
    bases = {row[0]: row[1] for row in rows if row[0] != "class"}
    assert bases.keys() == CLASSES.keys()
    for name, base in bases.items():
        assert base in [found.__name__ for found in CLASSES[name].__mro__ if found.__module__ == "builtins"], name

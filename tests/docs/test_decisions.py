"""Decision records have unique numbers, the same in the file name and the title."""

from __future__ import annotations

import re
from pathlib import Path

RECORDS = sorted(Path(__file__).parents[2].joinpath("docs/decisions").glob("[0-9]*.md"))


def test_numbers_follow_each_other() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_titles_begin_with_the_number() -> None:
    titles = {record.name: record.read_text(encoding="utf-8").splitlines()[0] for record in RECORDS}
    assert [name for name, title in titles.items() if not re.match(rf"# {name[:4]}: [^a-z]", title)] == []

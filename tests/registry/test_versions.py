"""The order of versions follows PEP 440."""

from __future__ import annotations

import itertools

import pytest

from nncore.registry import is_older

ORDER = [
    "0.9", "1.0.dev1", "1.0a1.dev2", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1.dev3", "1.0.post1", "1.0.1", "1.2", "1.10", "2", "1!0.1",
]  # fmt: skip


def test_an_ordered_list() -> None:
    for (i, one), (j, other) in itertools.product(enumerate(ORDER), repeat=2):
        assert is_older(one, other) == (i < j), (one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1"), ("v1.0", "1.0.0"), ("1.0+cpu", "1.0"), ("1.0-alpha.1", "1.0a1"), ("1.0-1", "1.0.post1")]
)
def test_spellings_of_one_version(one: str, other: str) -> None:
    assert not is_older(one, other)
    assert not is_older(other, one)


@pytest.mark.parametrize("text", ["", "unknown", "1.x", "one"])
def test_what_is_no_version_has_no_order(text: str) -> None:
    assert not is_older(text, "1.0")
    assert not is_older("1.0", text)

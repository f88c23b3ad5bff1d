"""Cells of a column from a piece of a file."""

from __future__ import annotations

import pytest

from nncore.errors import DataError
from nncore.tabular import cells
from nncore.tabular.cells import Cells


def test_blanks_go_and_other_letters_stay() -> None:
    assert Cells.of([" a ", None, "é\N{NO-BREAK SPACE}", "", "\N{IDEOGRAPHIC SPACE}ж"]).tolist() == ["a", "", "é", "", "ж"]


def test_no_cells() -> None:
    assert len(Cells.of([])) == 0


def test_more_bytes_than_places_can_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_BYTES", 10)
    assert len(Cells.of(["é" * 5])) == 1
    with pytest.raises(DataError, match="2 cells of one column hold 11 bytes; drop it"):
        Cells.of(["é" * 5, "a"])

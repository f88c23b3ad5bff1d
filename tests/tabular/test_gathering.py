"""A collected column equals its pieces, for any split and any storage form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore.tabular import gathering
from nncore.tabular.cells import Cells
from nncore.tabular.column import CodedColumn, Column, NumberColumn
from nncore.tabular.gathering import Gatherer

cell = st.one_of(
    st.sampled_from(["", " ", "NA", "x", " é\xa0", "007", "+1", "1e5", "-0", ".5", "0.30000000000000004", "9" * 25, "1,5"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**6), 10**6).map(str),
)


def gathered(cells: list[str], sizes: list[int], share: bool = False) -> Column:
    gatherer, start = Gatherer(100), 0
    for size in [*sizes, len(cells)]:
        stop = min(start + size, len(cells))
        gatherer.add(Cells.of(cells[start:stop]), stop / len(cells) if share and stop else 1.0)
        start = stop
    return gatherer.gathered()


@settings(max_examples=200)
@given(st.lists(cell, min_size=1, max_size=60), st.lists(st.integers(0, 20), max_size=5), st.booleans(), st.sampled_from([0, 5, 1000]))
def test_it_is_what_its_pieces_were(cells: list[str], sizes: list[int], share: bool, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "FEW_TEXTS", few)
        patch.setattr(gathering, "FEW_OF_ONE", few)
        found = gathered(cells, sizes, share)
    expected = CodedColumn.of([one.strip() or None for one in cells])
    assert found == expected
    assert np.array_equal(found.numbers, expected.numbers, equal_nan=True)
    assert (found.counts, found.n_words, found.n_missing) == (expected.counts, expected.n_words, expected.n_missing)
    for column in (found.without({"na", "-0", "1e5"}), expected.without({"na", "-0", "1e5"})):
        assert column[0] == [None if one is None or one.lower() in ("na", "-0", "1e5") else one for one in expected]
    rows = np.arange(len(cells))[::-2]
    assert found.take(rows) == expected.take(rows)


def test_many_texts_stay_texts_until_they_are_numbers() -> None:
    words = [f"word {i}" for i in range(3000)]
    assert isinstance(gathered(words, [1000, 1000]), CodedColumn)
    assert isinstance(gathered(words[:50] + [f"{i}.5" for i in range(5000)], [50, 1000, 1000]), NumberColumn)


def test_equal_numbers_are_one_level_however_they_are_written() -> None:
    cells = [f"{i}.5" for i in range(2000)]
    for more, n in (
        ([], 2000),
        (["0.50", "5e-1", "+1.5"], 2000),
        (["1e5", "100000"], 2001),
        (["007"], 2001),
        (["0.50000000000000000000001"], 2001),
    ):
        column = gathered(cells + more, [1500])
        assert isinstance(column, NumberColumn)
        assert column.n_levels == n, more
    assert NumberColumn.of_coded(CodedColumn.of(["1", None])).n_levels is None
    assert NumberColumn.of_coded(CodedColumn.of(["1", "x"])).n_levels is None
    assert NumberColumn.of_coded(CodedColumn.of(["0.30000000000000004"])).n_levels is None  # visible from the texts

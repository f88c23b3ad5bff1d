"""Columns behave the same in all storage forms."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from nncore.tabular.cells import Cells
from nncore.tabular.column import CodedColumn, Column, NumberColumn, as_column
from nncore.tabular.gathering import Gatherer

CELLS = ["1", "2.50", None, "NA", "-999", "1.0", "7", "1", None, "x"]


@pytest.fixture(params=["coded", "numbers"])
def column(request: pytest.FixtureRequest) -> Column:
    found = as_column(CELLS) if request.param == "coded" else NumberColumn.of_coded(CodedColumn.of(CELLS))
    assert isinstance(found, CodedColumn if request.param == "coded" else NumberColumn)
    return found


def test_it_is_read_like_a_list(column: Column) -> None:
    assert column == CELLS
    assert (column[3], column[-1], column[2], list(column[1:3])) == ("NA", "x", None, ["2.50", None])
    assert None in column
    assert "x" in column
    assert "y" not in column
    assert (column.count(None), column.count("1"), column.count("y")) == (2, 2, 0)
    with pytest.raises(IndexError):
        column[10]


def test_what_it_says_of_all_cells(column: Column) -> None:
    assert np.array_equal(column.numbers, [1, 2.5, np.nan, np.nan, -999, 1, 7, 1, np.nan, np.nan], equal_nan=True)
    assert (column.n_missing, column.n_present, column.n_words, column.first_word) == (2, 8, 2, 3)
    assert list(column.counts.items()) == [("1", 2), ("2.50", 1), ("NA", 1), ("-999", 1), ("1.0", 1), ("7", 1), ("x", 1)]
    assert column.present() == [cell for cell in CELLS if cell is not None]
    assert column.has_more_than(7)
    assert not column.has_more_than(8)


def test_rows_of_rows(column: Column) -> None:
    some = column.take(np.array([9, 4, 2, 0, 3])).take(np.array([4, 0, 1, 2]))
    assert some == ["NA", "x", "-999", None]
    assert list(some.counts) == ["NA", "x", "-999"]
    assert (some.n_words, some.n_missing) == (2, 1)


def test_without_words_also_such_as_are_numbers(column: Column) -> None:
    found, counts = column.without({"na", "-999", "1"})
    assert found == [None, "2.50", None, None, None, "1.0", "7", None, None, "x"]
    assert counts == Counter({"1": 2, "NA": 1, "-999": 1})
    assert (found.n_missing, found.n_words, list(found.counts)) == (7 - 1, 1, ["2.50", "1.0", "7", "x"])
    assert column.without({"y"}) == (column, Counter())


def test_codes_take_no_more_room_than_they_need() -> None:
    assert [CodedColumn(np.zeros(1, np.int64), ["x"] * n).codes.dtype for n in (127, 128, 40_000)] == [np.int8, np.int16, np.int32]


@pytest.mark.parametrize("n_columns", [1, 10**6])
def test_many_numbers_are_kept_as_such_and_few_are_not(n_columns: int) -> None:
    gatherer = Gatherer(n_columns)
    cells = [f" {i}.5" for i in range(200)]
    for start in range(0, 200, 20):
        gatherer.add(Cells.of(cells[start : start + 20]))
    found = gatherer.gathered()
    assert isinstance(found, CodedColumn if n_columns == 1 else NumberColumn)
    assert found == [cell.strip() for cell in cells]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.errors import DataError
from nncore.tabular.columns import CategoricalColumn, TableColumn, TimeColumn, parse_numbers


def place(row: int) -> str:
    return f"line {row + 7}"


def encoded(column: TableColumn, values: list[str | None]) -> tuple[np.ndarray, str]:
    out = np.full((len(values), column.width), np.nan)
    remark = column.encode(values, place, out)
    return out, "" if remark is None else str(remark)


def test_a_word_among_numbers_names_its_line() -> None:
    with pytest.raises(DataError, match=r"column 'x', line 9: 'abc' is not a finite number"):
        parse_numbers("x", ["1", None, "abc"], place)


def test_dates_become_parts_of_them() -> None:
    values: list[str | None] = ["2011-01-31", None, "2011-02-01", "2011-02-03"]
    column = TimeColumn.fit("day", "year-month-day", values, place)
    assert column.parts == ["elapsed", "month", "day", "weekday", "day_of_year"]  # all in one year, at midnight
    assert (column.width, column.has_missing) == (2 * (1 + 4 * 2), True)
    out, notices = encoded(column, values)
    days = np.array([0.0, np.nan, 1.0, 3.0])
    np.testing.assert_allclose(out[[0, 2, 3], 0], ((days - np.nanmean(days)) / np.nanstd(days))[[0, 2, 3]], rtol=1e-9)
    assert out[:, 1].tolist() == [0, 1, 0, 0]
    assert notices == ""
    assert np.isfinite(out).all()


def test_a_missing_date_where_training_had_none() -> None:
    column = TimeColumn.fit("day", "day-month-year", ["31.1.2011", "1.2.2012"], place)
    out, notices = encoded(column, [None])
    assert np.isfinite(out).all()
    assert notices == "column 'day': 1 missing, replaced by the median date of training"


def test_what_is_no_date_has_its_place() -> None:
    column = TimeColumn.fit("day", "year-month-day", ["2011-01-31", "2012-01-31"], place)
    with pytest.raises(
        DataError, match=r"column 'day', line 8: '2011-02-30' is not a date, year-month-day, as the column's other values are"
    ):
        column.encode(["2011-02-28", "2011-02-30"], place, np.empty((2, column.width)))


def test_each_text_of_a_declared_category_is_a_level() -> None:
    values: list[str | None] = ["1E5", "100000", "02134", "1E5"]
    column = CategoricalColumn.fit("code", values, most=50, as_text=True)
    assert column.levels == ("02134", "100000", "1E5")
    assert encoded(column, ["1e5", "1E5"])[0].tolist() == [[0, 0, 0], [0, 0, 1]]
    assert CategoricalColumn.fit("code", values, most=50).levels == ("02134", "1E5")


def test_one_hot_levels_missing_and_unknown() -> None:
    column = CategoricalColumn.fit("colour", ["red", "blue", None, "red"], most=50)
    assert column == CategoricalColumn("colour", ("blue", "red"), has_missing=True, has_other=False)
    out, notices = encoded(column, ["red", None, "green", "blue"])
    assert out.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert notices == "column 'colour': 1 row with a value that training did not have ('green'), treated as unknown"


def test_missing_where_training_had_none_is_unknown() -> None:
    column = CategoricalColumn.fit("colour", ["red", "blue"], most=50)
    out, notices = encoded(column, [None, "red"])
    assert out.tolist() == [[0, 0], [0, 1]]
    assert "missing" in notices


def test_rare_levels_share_a_column() -> None:
    values: list[str | None] = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"] + [None]
    column = CategoricalColumn.fit("x", values, most=2)
    assert column == CategoricalColumn("x", ("a", "b"), has_missing=True, has_other=True)
    out, notices = encoded(column, ["a", "c", "never seen", None, "b"])
    assert out.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]]
    assert notices == ""


def test_a_long_list_of_unknown_values_is_cut() -> None:
    column = CategoricalColumn.fit("x", ["a", "b"], most=50)
    _, notices = encoded(column, [f"v{i}" for i in range(9)])
    assert "9 rows" in notices
    assert "'v4' and others" in notices


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), min_size=1, max_size=30), st.integers(1, 6))
def test_training_rows_have_exactly_one_one(values: list[str | None], most: int) -> None:
    column = CategoricalColumn.fit("x", values, most)
    out, notices = encoded(column, values)
    assert (out.sum(axis=1) == 1).all()
    assert set(np.unique(out)) <= {0.0, 1.0}
    assert notices == ""


@given(st.permutations(["a", "a", "b", "c", "d"]))
def test_the_order_of_rows_does_not_matter(values: list[str | None]) -> None:
    assert CategoricalColumn.fit("x", values, most=2) == CategoricalColumn("x", ("a", "b"), False, True)


def test_many_levels_stay_one_column_of_codes() -> None:
    values: list[str | None] = [*"abcdefgh", "a", "b", None]
    column = CategoricalColumn.fit("x", values, most=3, most_one_hot=4)
    assert column == CategoricalColumn("x", ("a", "b", "c"), has_missing=True, has_other=True, is_coded=True)
    assert (column.width, column.n_codes) == (1, 5)
    out, notices = encoded(column, ["a", "c", None, "h", "never seen"])
    assert out[:, 0].tolist() == [0, 1 + 1, 3, 4, 4]
    assert notices == ""


def test_what_training_did_not_have_is_no_code() -> None:
    column = CategoricalColumn.fit("x", ["a", "b", "c"], most=3, most_one_hot=2)
    out, notices = encoded(column, ["b", "z", None])
    assert out[:, 0].tolist() == [1, -1, -1]
    assert "2 rows with values that training did not have ('z', missing)" in notices

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.errors import DataError
from nncore.tabular.columns import CategoricalColumn, NumericColumn, mean_and_std, parse_numbers

EPS = np.finfo(np.float64).eps


def place(row: int) -> str:
    return f"line {row + 7}"


def encoded(column: NumericColumn | CategoricalColumn, values: list[str | None]) -> tuple[np.ndarray, str]:
    out = np.full((len(values), column.width), np.nan)
    remark = column.encode(values, place, out)
    return out, "" if remark is None else str(remark)


def test_numeric_is_standardised_with_the_median_where_missing() -> None:
    values: list[str | None] = ["1", None, "2", "9"]
    column = NumericColumn.fit("x", values, place)
    filled = np.array([1.0, 2.0, 2.0, 9.0])
    assert column == NumericColumn("x", 2.0, filled.mean(), filled.std(), has_missing=True)
    out, notices = encoded(column, values)
    assert np.array_equal(out[:, 0], (filled - filled.mean()) / filled.std())
    assert out[:, 1].tolist() == [0, 1, 0, 0]
    assert notices == ""  # nothing that training did not know


def test_a_number_too_large_for_the_network_has_its_place() -> None:
    column = NumericColumn.fit("x", ["1", "2", "9"], place)
    with pytest.raises(DataError, match=r"column 'x', line 8: 1e300 is too large beside the numbers of training, about 4"):
        column.encode(["1", "1e300"], place, np.empty((2, 1), np.float32))


def test_missing_where_training_had_no_missing_number() -> None:
    column = NumericColumn.fit("x", ["1", "2", "9"], place)
    assert column.width == 1
    out, notices = encoded(column, ["4", None])
    assert out[1, 0] == (2 - 4) / column.std
    assert notices == "column 'x': 1 missing, taken as the median 2"
    assert encoded(column, ["3"])[1] == ""


def test_numeric_agrees_with_scikit_learn() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    numbers = np.random.default_rng(0).normal(5, 3, 200)
    texts: list[str | None] = [repr(float(number)) for number in numbers]
    out, _ = encoded(NumericColumn.fit("x", texts, place), texts)
    expected = preprocessing.StandardScaler().fit_transform(numbers[:, None])
    assert np.allclose(out, expected, rtol=0, atol=200 * EPS * np.abs(expected).max())


@pytest.mark.parametrize("value", ["0", "3.3", "1e15", "-0.1"])
def test_a_constant_does_not_divide_by_zero(value: str) -> None:
    values: list[str | None] = [value] * 7
    column = NumericColumn.fit("x", values, place)
    assert column.std == 1.0
    out, _ = encoded(column, values)
    assert np.abs(out).max() <= 8 * EPS * abs(float(value))


def test_a_column_without_a_value_in_training_is_zero() -> None:
    column = NumericColumn.fit("x", [None, None], place)
    assert column == NumericColumn("x", 0.0, 0.0, 1.0, has_missing=True)


def test_numbers_too_large_are_refused() -> None:
    with pytest.raises(DataError, match="too large"):
        mean_and_std("x", np.array([1e308, -1e308, 1e308]))


def test_a_word_among_numbers_names_its_line() -> None:
    with pytest.raises(DataError, match=r"column 'x', line 9: 'abc' is not a finite number"):
        parse_numbers("x", ["1", None, "abc"], place)


def test_one_hot_levels_missing_and_unknown() -> None:
    column = CategoricalColumn.fit("colour", ["red", "blue", None, "red"], most=50)
    assert column == CategoricalColumn("colour", ("blue", "red"), has_missing=True, has_other=False)
    out, notices = encoded(column, ["red", None, "green", "blue"])
    assert out.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert notices == "column 'colour': 1 row with a value that training did not have ('green'), taken as none of the known"


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

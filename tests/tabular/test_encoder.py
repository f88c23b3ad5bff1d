from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.data import EncodingChain
from nncore.errors import DataError, FileFormatError
from nncore.tabular import ClassTarget, RealTarget, Table, TableEncoder
from nncore.tabular.description import from_json, to_json
from nncore.tabular.kinds import column_kinds

ROWS = [("1", "red", "x", "0"), ("2", "blue", "y", "1"), (None, "red", "x", "0"), ("4", None, "y", "1"), ("5", "blue", "x", "1")]


def table(
    rows: list[tuple[str | None, ...]] = ROWS, names: tuple[str, ...] = ("a", "colour", "b", "y"), *, has_header: bool = True
) -> Table:
    return Table("t.csv", list(names), [list(column) for column in zip(*rows, strict=True)], range(2, len(rows) + 2), has_header, ",")


def encoder(task: str = "classification", rows: range = range(5), data: Table | None = None) -> TableEncoder:
    data = data or table()
    return TableEncoder.fit(data, column_kinds(data, "y"), "y", task, rows)


def with_dates() -> Table:
    days = [f"2011-{month}-0{month}" for month in range(1, 6)]
    rows = [(*row[:3], day, row[3]) for row, day in zip(ROWS, days, strict=True)]
    return table(rows, ("a", "colour", "b", "day", "y"))


def scaled(encoding: str, **learned: float) -> RealTarget:
    arrays = {f"0.{name}": np.array([value]) for name, value in learned.items()}
    return RealTarget("y", EncodingChain.read([encoding], arrays, 1))


def test_matrix_of_columns_as_they_are() -> None:
    data = with_dates()
    fitted = encoder(data=data)
    matrix, remarks = fitted.matrix(data)
    spans = fitted.matrix_spans()
    assert matrix.dtype == np.float64
    assert remarks == []
    np.testing.assert_array_equal(matrix[:, spans["a"]], [[1], [2], [np.nan], [4], [5]])
    np.testing.assert_array_equal(matrix[:, spans["colour"]], [[1], [0], [1], [2], [0]])  # blue, red, missing
    day = next(column for column in fitted.columns if column.name == "day")
    assert matrix[:, spans["day"]].shape == (5, day.width)
    assert fitted.matrix_names == ["a", "colour", "b", *["day"] * day.width]
    assert [place for place, _ in fitted.category_columns] == [1, 2]
    assert fitted.number_columns.tolist() == [0, *range(3, 3 + day.width)]
    assert fitted.has_missing.tolist() == [True] + [False] * (2 + day.width)
    complete = encoder(data=data, rows=range(2))
    matrix, remarks = complete.matrix(data)
    assert matrix[2, 0] == 1.5
    assert remarks[0].column == "a"


def test_matrix() -> None:
    fitted = encoder()
    X, notices = fitted.transform(table())
    filled = np.array([1, 2, 3, 4, 5.0])
    expected = np.zeros((5, 7))
    expected[:, 0] = (filled - 3) / filled[[0, 1, 3, 4]].std()
    expected[:, 1] = [0, 0, 1, 0, 0]  # missing
    expected[:, 2] = [0, 1, 0, 0, 1]  # blue
    expected[:, 3] = [1, 0, 1, 0, 0]  # red
    expected[:, 4] = [0, 0, 0, 1, 0]  # missing
    expected[:, 5] = [1, 0, 1, 0, 1]
    expected[:, 6] = [0, 1, 0, 1, 0]
    assert X.dtype == np.float32
    assert X.flags.c_contiguous
    assert fitted.n_inputs == 7
    assert fitted.spans() == {"a": slice(0, 2), "colour": slice(2, 5), "b": slice(5, 7)}
    assert np.array_equal(X, expected.astype(np.float32))
    assert notices == []
    assert fitted.transform_target(table()).tolist() == [0, 1, 0, 1, 1]


def test_statistics_come_from_the_rows_to_learn_from() -> None:
    first, second = table(), table([*ROWS[:3], ("1e6", "green", "x", "1"), ("-1e6", "red", "y", "0")])
    assert encoder(rows=range(3), data=first).columns == encoder(rows=range(3), data=second).columns


def test_regression_target_statistics_come_from_the_rows_to_learn_from() -> None:
    fitted = encoder("regression", range(2))
    assert fitted.target == scaled("standard", mean=0.5, std=0.5)
    assert fitted.transform_target(table()).tolist() == [-1, 1, -1, 1, 1]


def test_a_target_with_a_range_is_not_shifted() -> None:
    data = table()
    fitted = TableEncoder.fit(data, column_kinds(data, "y"), "y", "regression", range(5), target_range="[0, inf)")
    assert fitted.target == scaled("unit_mean", mean=0.6)
    bounded = TableEncoder.fit(data, column_kinds(data, "y"), "y", "regression", range(5), target_range="[0, 1]")
    assert bounded.target == RealTarget("y", EncodingChain.learn([], np.zeros((1, 1))))


def test_classes_are_those_of_the_whole_table() -> None:
    assert encoder(rows=range(1)).target == ClassTarget("y", ("0", "1"))


def test_columns_are_matched_by_name() -> None:
    fitted = encoder()
    shuffled = table([(y, b, colour, a, "?") for a, colour, b, y in ROWS], ("y", "b", "colour", "a", "more"))
    matched, notices = fitted.match(shuffled)
    assert notices == ["ignored 'more': not a column of the training data"]
    assert np.array_equal(fitted.transform(matched)[0], fitted.transform(table())[0])


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match="lacks the columns 'a', 'b'"):
        encoder().match(table([("red", "1")], ("colour", "y")))
    with pytest.raises(DataError, match="lacks the column 'colour'"):
        encoder().match(table([("1", "x")], ("a", "b")))


def test_columns_without_names_are_matched_by_position() -> None:
    # The target is the first column, so that all others move without it.
    data = table([(y, a, colour, b) for a, colour, b, y in ROWS], ("c1", "c2", "c3", "c4"), has_header=False)
    fitted = TableEncoder.fit(data, column_kinds(data, "c1"), "c1", "classification", range(5))
    without = table([(a, colour, b) for a, colour, b, _ in ROWS], ("c1", "c2", "c3"), has_header=False)
    matched, _ = fitted.match(without)
    assert np.array_equal(fitted.transform(matched)[0], fitted.transform(data)[0])
    with pytest.raises(DataError, match="has 2 columns; the network was trained on a file without header with 4"):
        fitted.match(table([("1", "2")], ("c1", "c2"), has_header=False))


def test_nothing_to_learn_from() -> None:
    data = table([("1", "0"), ("1", "1")], ("a", "y"))
    with pytest.raises(DataError, match=r"no column to learn from besides the target 'y'; 'a' is left out: always 1 \(--keep uses"):
        encoder(data=data, rows=range(2))


def test_a_date_that_is_always_the_same_in_training_is_nothing_to_learn_from() -> None:
    data = table([("2011-01-31", "0"), ("2011-01-31", "1"), ("2011-02-01", "1")], ("a", "y"))
    with pytest.raises(DataError, match=r"no column to learn from .*'a' is left out: always the same in the training rows"):
        encoder(data=data, rows=range(2))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_json_there_and_back(task: str) -> None:
    fitted = encoder(task, data=with_dates())
    assert from_json(json.loads(json.dumps(to_json(fitted)))) == fitted


PATHS_AND_VALUES = [
    (("format",), 4),
    (("format",), 7),
    (("format",), 1),
    (("format",), "1"),
    (("names",), ["a", "a"]),
    (("names",), "a"),
    (("names",), ["a"]),
    (("has_header",), 1),
    (("decimal_comma",), "yes"),
    (("missing",), "unknown"),
    (("separator",), None),
    (("columns",), []),
    (("columns",), {}),
    (("columns", 0), None),
    (("columns", 0, "kind"), "evil"),
    (("columns", 0, "kind"), ["numeric"]),
    (("columns", 0, "name"), 3),
    (("columns", 0, "name"), "colour"),
    (("columns", 0, "chain"), []),
    (("columns", 0, "chain"), {"encodings": [], "learned": {}}),
    (("columns", 0, "chain", "encodings"), ["standard"]),
    (("columns", 0, "chain", "encodings"), ["robust", "indicator"]),
    (("columns", 0, "chain", "encodings"), 3),
    (("columns", 0, "chain", "learned"), [1]),
    (("columns", 0, "chain", "learned", "0.std"), [0.0]),
    (("columns", 0, "chain", "learned", "0.std"), [-1.0]),
    (("columns", 0, "chain", "learned", "0.std"), 1.0),
    (("columns", 0, "chain", "learned", "0.mean"), [float("nan")]),
    (("columns", 0, "chain", "learned", "0.mean"), [1.0, 2.0]),
    (("columns", 0, "chain", "learned", "0.mean"), ["1"]),
    (("columns", 0, "chain", "learned", "0.mean"), []),
    (("columns", 0, "chain", "learned", "1.filling"), [float("inf")]),
    (("columns", 0, "chain", "learned", "1.has_indicator"), [2]),
    (("columns", 0, "chain", "learned", "1.has_indicator"), [True]),
    (("columns", 3, "form"), "year"),
    (("columns", 3, "form"), ["time of day"]),
    (("columns", 3, "chain", "learned", "0.kept"), [[1, 1]]),
    (("columns", 3, "chain", "learned", "0.kept"), [[2, 0, 0, 0, 0, 0, 0, 0, 0]]),
    (("columns", 3, "chain", "learned", "0.kept"), [[1], [1, 2]]),
    (("columns", 1, "levels"), ["red", "red"]),
    (("columns", 1, "levels"), ["red", 1]),
    (("columns", 1, "has_other"), None),
    (("columns", 1, "is_coded"), 0),
    (("columns", 1, "as_text"), "no"),
    (("target",), []),
    (("target", "kind"), "numeric"),
    (("target", "classes"), [0, 1]),
    (("target", "classes"), ["1", "1.0"]),
    (("target", "missing"), None),
]


@pytest.mark.parametrize(("path", "value"), PATHS_AND_VALUES)
def test_damaged_descriptions_are_refused(path: tuple[str | int, ...], value: object) -> None:
    description: Any = copy.deepcopy(to_json(encoder(data=with_dates())))
    part = description
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(FileFormatError):
        from_json(description)


@pytest.mark.parametrize("path", [path for path, _ in PATHS_AND_VALUES if isinstance(path[-1], str)])
def test_descriptions_with_a_field_missing_are_refused(path: tuple[str | int, ...]) -> None:
    description: Any = copy.deepcopy(to_json(encoder(data=with_dates())))
    part = description
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    with pytest.raises(FileFormatError, match=r"has no|must have|it has|not a list"):
        from_json(description)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["format", "names", "columns", "kind"]), children),
    max_leaves=8,
)


@given(json_values)
def test_any_json_is_refused_cleanly(value: object) -> None:
    with pytest.raises(FileFormatError):
        from_json(value)


def test_from_a_file(tmp_path: Path) -> None:
    from nncore.tabular import read_table

    path = tmp_path / "t.csv"
    path.write_text("a,colour,b,y\n" + "".join(",".join(cell or "" for cell in row) + "\n" for row in ROWS))
    assert encoder(data=read_table(path)) == encoder()

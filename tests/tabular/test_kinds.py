from __future__ import annotations

import pytest

from nncore.tabular.kinds import ColumnKind, column_kind, column_kinds, counts_rows
from nncore.tabular.table import Table


def kind(values: list[str | None]) -> ColumnKind:
    return column_kind(values, lambda row: f"line {row + 2}")


def table(**columns: list[str | None]) -> Table:
    n = len(next(iter(columns.values())))
    return Table("t.csv", list(columns), list(columns.values()), range(2, n + 2), True, ",")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2.5", None, "-3e2"], "numeric"),
        (["1", "1", None], "left out"),  # after filling in the median it is constant
        (["1", "1.0"], "left out"),
        ([None, None], "left out"),
        (["x", "x"], "left out"),
        (["x", "x", None], "categorical"),  # missing or not is something to learn from
        (["x", "y"], "categorical"),
        (["red", "blue", "red", "blue"], "categorical"),
        ([f"Mr {i}" for i in range(100)], "left out"),
        ([f"T{i % 80}" for i in range(100)], "left out"),
        ([f"T{i % 60}" for i in range(600)], "categorical"),
        ([f"d{i % 700}" for i in range(17_000)], "categorical"),
        ([f"d{i % 2000}" for i in range(17_000)], "left out"),
    ],
)
def test_kinds(values: list[str | None], expected: str) -> None:
    assert kind(values).kind == expected


def test_reasons() -> None:
    assert kind(["7", "7"]).reason == "always 7"
    assert kind(["x", "x"]).reason == "always 'x'"
    assert kind([None]).reason == "empty"
    assert kind([f"Mr {i}" for i in range(100)]).reason == "text, 100 different values in 100 rows"


def test_a_column_that_is_nearly_all_numbers_is_remarked() -> None:
    found = kind([str(i % 10) for i in range(95)] + ["abc", "abc", "1e999"])
    assert found.kind == "categorical"
    assert found.reason == (
        "taken as text: 3 of 98 values are not numbers, first 'abc' in line 97; mend them, or say --missing abc if nothing is known there"
    )


def test_a_long_column_with_many_different_words_at_its_end_is_looked_at_once() -> None:
    found = kind([str(i) for i in range(100_000)] + [f"word {i}" for i in range(10_000)])  # words × rows would be a billion comparisons
    assert "10000 of 110000 values are not numbers, first 'word 0'" in found.reason


def test_text_that_was_perhaps_meant_to_be_numbers_is_left_out_with_a_remedy() -> None:
    assert kind([f"{i}.5" for i in range(80)] + ["not known"] * 20).reason == (
        "text, 81 different values in 100 rows; 80 are numbers: if 'not known' means that nothing is known, say --missing 'not known'"
    )
    assert kind([f"{i},{i:03}" for i in range(1, 30)]).reason.endswith("look like numbers: write '1,001' without separators and units")
    assert kind([f"{i} %" for i in range(30)]).reason.endswith("look like numbers: write '0 %' without separators and units")
    assert kind([f"{i}" for i in range(60)] + [f"A/{i}" for i in range(40)]).reason == "text, 100 different values in 100 rows"


def test_counting_rows() -> None:
    assert counts_rows(["0", "1", "2"])
    assert counts_rows(["1", "2.0", "3"])
    assert not counts_rows(["2", "3", "4"])
    assert not counts_rows(["1", "2", "4"])
    assert not counts_rows(["1", None, "3"])
    assert not counts_rows([None, "1"])
    assert not counts_rows(["x", "y"])


def test_an_index_is_left_out_only_where_others_remain() -> None:
    index: list[str | None] = [str(i) for i in range(6)]
    other: list[str | None] = ["3", "1", "4", "1", "5", "9"]
    y: list[str | None] = list("ababab")
    assert column_kinds(table(id=index, a=other, b=other[::-1], y=y), "y")["id"] == ColumnKind("left out", "counts the rows")
    assert column_kinds(table(id=index, a=other, y=y), "y")["id"].kind == "numeric"
    assert column_kinds(table(a=other, b=other, id=index, y=y), "y")["id"].kind == "numeric"
    assert column_kinds(table(id=index, a=other, b=other, y=y), "y", keep=["id"])["id"].kind == "numeric"


def test_target_dropped_and_kept_columns() -> None:
    names: list[str | None] = [f"Mr {i}" for i in range(10)]
    a: list[str | None] = list("ababababab")
    kinds = column_kinds(table(name=names, a=a, b=a, y=a), "y", drop=["a"], keep=["name"])
    assert list(kinds) == ["name", "a", "b"]
    assert kinds["a"] == ColumnKind("left out", "as asked")
    assert kinds["name"] == ColumnKind("categorical", "kept as asked")
    assert kinds["b"].kind == "categorical"


def test_dates_are_left_out_and_said_to_be() -> None:
    days = [f"{1 + i % 12}/{1 + i % 28}/2011" for i in range(400)]
    assert kind(days).reason.startswith("dates, ")
    assert kind([f"2011-02-{1 + i % 28:02d} 10:00" for i in range(400)]).kind == "left out"
    assert kind([f"{i % 9}-{i % 7}" for i in range(400)]).kind == "categorical"


def test_values_of_few_rows_each_are_left_out() -> None:
    assert kind([f"name {i % 150}" for i in range(400)]).reason == "text, 150 different values, none frequent"
    assert kind([f"name {i % 100}" for i in range(400)]).kind == "categorical"

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
        (["x", "x", None], "categorical"),  # whether it is missing is a feature
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
        "treated as text: 3 of 98 values are not numbers, first 'abc' in line 97; correct them, or add --missing abc if they mean missing"
    )


def test_a_long_column_with_many_different_words_at_its_end_is_looked_at_once() -> None:
    found = kind([str(i) for i in range(100_000)] + [f"word {i}" for i in range(10_000)])  # words × rows would be a billion comparisons
    assert "10000 of 110000 values are not numbers, first 'word 0'" in found.reason


def test_text_that_was_perhaps_meant_to_be_numbers_is_left_out_with_a_remedy() -> None:
    assert kind([f"{i}.5" for i in range(80)] + ["not known"] * 20).reason == (
        "text, 81 different values in 100 rows; 80 are numbers: if 'not known' means missing, add --missing 'not known'"
    )
    assert (
        "look like numbers: write '1,001' without its comma if it separates thousands" in kind([f"{i},{i:03}" for i in range(1, 30)]).reason
    )
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


def test_target_dropped_and_kept_columns() -> None:
    names: list[str | None] = [f"Mr {i}" for i in range(10)]
    a: list[str | None] = list("ababababab")
    kinds = column_kinds(table(name=names, a=a, b=a, y=a), "y", drop=["a"], keep=["name"])
    assert list(kinds) == ["name", "a", "b"]
    assert kinds["a"] == ColumnKind("left out", "as asked")
    assert kinds["name"] == ColumnKind("categorical", "kept as asked")
    assert kinds["b"].kind == "categorical"


def test_dates_are_known_by_their_form() -> None:
    days = [f"{1 + i % 12}/{1 + i % 28}/2011" for i in range(400)]
    assert kind(days) == ColumnKind("time", form="month-day-year")
    assert kind([f"2011-02-{1 + i % 28:02d} 10:00" for i in range(400)]) == ColumnKind("time", form="year-month-day")
    assert kind([f"2011-02-{1 + i % 40:02d}" for i in range(400)]).reason == (
        "dates, 40 different, not all in one known form; write 2024-01-31"
    )
    assert kind([f"{1 + i % 12}/{1 + i % 10}/2011" for i in range(400)]).reason == (
        "dates, 60 different, whether 1/1/2011 is day-month-year or month-day-year cannot be decided; write 2024-01-31"
    )
    assert kind(["2011-01-31", None]).kind == "categorical"  # whether it is missing is a feature
    assert kind([f"{i % 9}-{i % 7}" for i in range(400)]).kind == "categorical"


def test_values_of_few_rows_each_are_left_out() -> None:
    assert kind([f"name {i % 150}" for i in range(400)]).reason == "text, 150 different values, none frequent"
    assert kind([f"name {i % 100}" for i in range(400)]).kind == "categorical"


@pytest.mark.parametrize("n_levels", [2, 9, 30, 400])
@pytest.mark.parametrize("form", ["{} %", "{},000", "{} kg", "$ {}", "0x{}", "{}_000"])
def test_text_that_looks_like_numbers_is_always_told(form: str, n_levels: int) -> None:
    found = kind([form.format(i % n_levels + 1) for i in range(400)])
    assert found.kind == ("categorical" if n_levels <= 16 else "left out")
    assert "look like numbers: write '" in found.reason


@pytest.mark.parametrize("n_levels", [2, 9, 28])
@pytest.mark.parametrize("form", ["{}.1.2011", "2011-1-{}", "1/{}/2011 10:00", "10:{:02}", "{} Jan 2011"])
def test_dates_are_always_told(form: str, n_levels: int) -> None:
    for n_rows in (28, 400):
        found = kind([form.format(i % n_levels + 1) for i in range(n_rows)])
        assert found.kind == "time" or found.reason.startswith("dates, ")


def test_equal_values_are_one_level() -> None:
    assert kind(["1", "1.0", "x", "x"] * 20).kind == "categorical"
    assert kind(["True", "TRUE", "true"] * 20) == ColumnKind("left out", "always 'True'")


def test_declared_categories() -> None:
    data = table(zip=["02134", "10115"] * 10, id=[str(i) for i in range(20)], y=list("ab") * 10)
    kinds = column_kinds(data, "y", categorical=["zip", "id"])
    assert kinds == {name: ColumnKind("categorical", as_text=True) for name in ("zip", "id")}


def test_a_column_that_cannot_be_read_is_left_out_or_dropped() -> None:
    from dataclasses import replace

    data = replace(table(a=["1", "2"], y=["1", "2"], b=[None, None]), unreadable={"b": "list<int>"})
    assert column_kinds(data, "y")["b"] == ColumnKind("left out", "holds list<int>, not numbers or text")
    assert column_kinds(data, "y", drop=["b"])["b"] == ColumnKind("left out", "as asked")

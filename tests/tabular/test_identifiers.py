from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncore.tabular import read_table
from nncore.tabular.identifiers import FEWEST_ROWS, RUN_ROWS, identifier_reason, name_words, sounds_like_identifier
from nncore.tabular.kinds import ColumnKind, column_kinds
from nncore.tabular.table import Table

N = 2 * RUN_ROWS


def texts(numbers: np.ndarray) -> list[str | None]:
    return [str(number) for number in numbers.tolist()]


SHUFFLED = np.random.default_rng(0).permutation(N)
GAPS = np.sort(np.random.default_rng(1).choice(10_000, N, replace=False))


@pytest.mark.parametrize(
    "name",
    ["id", "ID", "Id", "PID", "uid", "uuid", "PassengerId", "customerID", "customer_id", "CUSTOMERID", "patientid", "id_customer",
     "Order No",
     "index", "rownames", "row", "rowid", "Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "level_0", "idx", "SEQN", "obs", "case"],
)  # fmt: skip
def test_names_of_identifiers(name: str) -> None:
    assert sounds_like_identifier(name)
    assert identifier_reason(name, texts(GAPS)) == "an identifier: whole numbers, all different"


@pytest.mark.parametrize(
    "name",
    ["price", "year", "width", "humid", "paid", "acid", "valid", "grid", "cases", "no_of_rooms", "identity", "number of rooms", "rowing",
     "x", "period", "median", "fluid", "", "温度"],
)  # fmt: skip
def test_other_names(name: str) -> None:
    assert not sounds_like_identifier(name)
    assert identifier_reason(name, texts(GAPS)) == ""


def test_words_of_names() -> None:
    assert name_words("PassengerId") == ["passenger", "id"]
    assert name_words("customer_id2") == ["customer", "id", "2"]


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (np.arange(N), "counts the rows"),
        (np.arange(1, N + 1), "counts the rows"),
        (np.arange(N).astype(float), "counts the rows"),
        (np.arange(5000, 5000 + N), "counts the rows"),
        (SHUFFLED, "row numbers: whole, all different, without gaps"),
        (SHUFFLED + 1, "row numbers: whole, all different, without gaps"),
        (SHUFFLED + 777, "row numbers: whole, all different, without gaps"),
        (GAPS, ""),  # prices, years with gaps
        (SHUFFLED + 0.5, ""),
        (SHUFFLED // 2, ""),
        (np.arange(RUN_ROWS - 1) + 1950, ""),  # too few, and an arbitrary first number
        (np.random.default_rng(2).permutation(FEWEST_ROWS), "row numbers: whole, all different, without gaps"),
        (np.random.default_rng(3).permutation(FEWEST_ROWS - 1), ""),
        (np.random.default_rng(4).normal(size=N), ""),
    ],
    ids=["0", "1", "floats", "offset", "shuffled", "shuffled 1", "shuffled offset", "gaps", "halves", "pairs", "years", "ten", "nine",
         "reals"],
)  # fmt: skip
def test_numbers_without_gaps(numbers: np.ndarray, reason: str) -> None:
    assert identifier_reason("v", texts(numbers)) == reason


@pytest.mark.parametrize("name", ["year", "Year", "birth_year", "day", "t"])
def test_times_have_no_gaps_and_are_measurements(name: str) -> None:
    assert identifier_reason(name, texts(np.arange(1800, 1800 + N))) == ""


def test_long_identifiers() -> None:
    long: list[str | None] = [str(10**18 + i) for i in range(N)]
    assert identifier_reason("id", long) == "an identifier: whole numbers, all different"


def test_a_missing_cell_names_no_row() -> None:
    assert identifier_reason("id", [None, *texts(GAPS)]) == ""
    assert identifier_reason("id", ["7", "7.0", *texts(GAPS + 100)]) == ""


def table(**columns: list[str | None]) -> Table:
    n = len(next(iter(columns.values())))
    return Table("t.csv", list(columns), list(columns.values()), range(2, n + 2), True, ",")


MEASURED = texts(np.random.default_rng(5).normal(size=N).round(3))
Y: list[str | None] = ["a", "b"] * (N // 2)


def test_they_are_left_out_wherever_they_stand_unless_kept() -> None:
    data = table(a=MEASURED, id=texts(GAPS), b=texts(SHUFFLED), y=Y)
    assert {name: kind.kind for name, kind in column_kinds(data, "y").items()} == {"a": "numeric", "id": "left out", "b": "left out"}
    kept = column_kinds(data, "y", keep=["id", "b"])
    assert {name: kind.kind for name, kind in kept.items()} == {"a": "numeric", "id": "numeric", "b": "numeric"}


def test_a_first_column_that_counts_is_left_out_in_short_files_too() -> None:
    data = table(n=["0", "1", "2", "3"], a=["3", "1", "4", "1"], y=["a", "b", "a", "b"])
    assert column_kinds(data, "y")["n"] == ColumnKind("left out", "counts the rows")
    other = table(a=["3", "1", "4", "1"], n=["0", "1", "2", "3"], y=["a", "b", "a", "b"])
    assert column_kinds(other, "y")["n"].kind == "numeric"


def test_the_only_column_is_used_and_said_to_be_doubtful() -> None:
    kinds = column_kinds(table(x=texts(np.arange(N)), y=Y), "y")
    assert kinds["x"] == ColumnKind("numeric", "used because there is no other column, although it looks like this: counts the rows")


def test_the_index_that_pandas_writes_without_a_name(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": MEASURED, "y": Y}).sample(frac=0.5, random_state=0)
    frame.to_csv(tmp_path / "a.csv")
    assert column_kinds(read_table(tmp_path / "a.csv"), "y")["c1"] == ColumnKind("left out", "an identifier: whole numbers, all different")
    pandas.read_csv(tmp_path / "a.csv").to_csv(tmp_path / "b.csv", index=False)
    assert column_kinds(read_table(tmp_path / "b.csv"), "y")["Unnamed: 0"].kind == "left out"


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
@pytest.mark.parametrize("name", [None, "when"])
@pytest.mark.parametrize("numbers", [GAPS[::-1], GAPS + 0.5, GAPS // 300], ids=["whole", "halves", "repeated"])
def test_the_index_of_a_frame_in_a_file_of_types(suffix: str, name: str | None, numbers: np.ndarray, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"a": MEASURED, "y": Y}, index=pandas.Index(numbers, name=name))
    written = arrow.Table.from_pandas(frame)
    path = tmp_path / f"data.{suffix}"
    pytest.importorskip(f"pyarrow.{suffix}").__dict__["write_table" if suffix == "parquet" else "write_feather"](written, path)
    kinds = column_kinds(read_table(path), "y")
    assert kinds[name or "__index_level_0__"] == ColumnKind("left out", "the index of a pandas data frame")
    assert kinds["a"].kind == "numeric"
    assert column_kinds(read_table(path), "y", keep=[name or "__index_level_0__"])[name or "__index_level_0__"].kind == "numeric"


def test_text_that_names_rows() -> None:
    import uuid

    names = [str(uuid.UUID(int=int(number))) for number in SHUFFLED]
    kinds = column_kinds(table(a=MEASURED, key=list(names), y=Y), "y")
    assert kinds["key"] == ColumnKind("left out", f"text, {N} different values in {N} rows")

from __future__ import annotations

import datetime
import io
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.data import level_key
from nncore.errors import DataError, MissingExtraError
from nncore.tabular import Table, Writing, read_blocks, read_table
from nncore.tabular.reader import opened_file

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    parquet.write_table(pa.table(columns), path, **options)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "data.parquet", {"a": [1.5, None, 3.0], "n": [1, 2, None], "c": ["x", " ? ", "é"], "b": [True, None, False]})


def test_cells_are_what_a_csv_file_would_hold(data: Path) -> None:
    table = read_table(data)
    assert table.names == ["a", "n", "c", "b"]
    assert [[None if v is None else float(v) for v in column] for column in table.columns[:2]] == [[1.5, None, 3.0], [1, 2, None]]
    assert table.columns[2:] == [["x", "?", "é"], ["True", None, "False"]]
    assert table.usual_missing == frozenset()  # missing values need no text here
    assert (table.has_header, table.delimiter, table.place(1)) == (True, "", "row 2")


def test_parquet_is_known_by_its_first_bytes(data: Path) -> None:
    renamed = data.rename(data.with_suffix(".data"))
    assert read_table(renamed).n_rows == 3


def test_categories_dates_and_small_types(tmp_path: Path) -> None:
    columns = {
        "cat": pa.array(["u", "v", "u"]).dictionary_encode(),
        "day": [datetime.date(2024, 1, 2)] * 3,
        "small": pa.array([1, 2, 3], pa.int8()),
        "f": pa.array([0.1, 0.2, float("nan")], pa.float32()),
    }
    table = read_table(written(tmp_path / "d.parquet", columns))
    assert table.columns == [["u", "v", "u"], ["2024-01-02"] * 3, ["1", "2", "3"], ["0.1", "0.2", None]]


def test_float64_comes_back_exactly(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-300, -1.7976931348623157e308, 123456789.123456789, 2.0**53]
    table = read_table(written(tmp_path / "d.parquet", {"x": numbers}))
    assert [float(value) for value in table.columns[0] if value is not None] == numbers


def test_blocks_count_on(tmp_path: Path) -> None:
    path = written(tmp_path / "d.parquet", {"x": list(range(10))}, row_group_size=4)
    blocks = list(read_blocks(path, n_rows=3))
    assert [value for block in blocks for value in block.columns[0]] == [str(i) for i in range(10)]
    assert [block.place(row) for block in blocks for row in range(block.n_rows)] == [f"row {i}" for i in range(1, 11)]
    assert max(block.n_rows for block in blocks) <= 3


@pytest.mark.parametrize("keep", [4, 10, 0.3, 0.9])
def test_cut_off(data: Path, keep: float) -> None:
    whole = data.read_bytes()
    data.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(DataError, match="damaged or cut off"):
        read_table(data)


def test_damaged_pages(tmp_path: Path) -> None:
    data = written(tmp_path / "d.parquet", {"x": [f"text {i}" for i in range(500)]})
    content = bytearray(data.read_bytes())
    content[4:400] = b"\xff" * 396
    data.write_bytes(content)
    with pytest.raises(DataError, match="damaged or cut off"):
        read_table(data)


@pytest.mark.parametrize(
    ("column", "what"), [([[1, 2]], "list"), ([b"1"], "binary"), ([{"a": 1}], "struct")], ids=["list", "binary", "struct"]
)
def test_what_is_no_cell_is_told_when_it_is_asked_for(tmp_path: Path, column: list[Any], what: str) -> None:
    table = read_table(written(tmp_path / "d.parquet", {"x": column, "a": [1]}))
    assert table.column("a") == ["1"]
    assert table.unreadable["x"].startswith(what)
    with pytest.raises(DataError, match=f"column 'x' holds {what}.*, not numbers or text"):
        table.column("x")


@pytest.mark.parametrize("writing", [Writing(separator=";"), Writing(decimal_comma=True)], ids=["separator", "decimal"])
def test_what_is_for_text_is_refused(writing: Writing, data: Path) -> None:
    with pytest.raises(DataError, match="is a Parquet file, whose columns have types; leave --separator and --decimal out"):
        read_table(data, writing)
    assert read_table(data, Writing(like_separator=";", like_decimal_comma=True)).columns[0] == ["1.5", None, "3"]


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column names and no rows"):
        read_table(written(tmp_path / "d.parquet", {"x": pa.array([], pa.int64())}))


def test_not_from_a_pipe(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(data.read_bytes()))))
    with pytest.raises(DataError, match="cannot be read from standard input"):
        read_table("-")


def test_without_pyarrow(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[parquet\]"):
        read_table(data)


def test_same_table_as_from_csv(data: Path, tmp_path: Path) -> None:
    csv = tmp_path / "data.csv"
    csv.write_text("a,n,c,b\n1.5,1,x,True\n,2,?,\n3,,é,False\n", encoding="utf-8")
    one, other = read_table(data), read_table(csv)

    def meaning(table: Table) -> list[list[object]]:
        return [[level_key(value) for value in column] for column in table.columns]

    assert meaning(one) == meaning(other)


def test_files_tell_which_share_of_them_has_been_read(tmp_path: Path) -> None:
    pa, parquet, feather = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet", "pyarrow.feather"))
    table = pa.table({"x": list(range(10))})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=5)
    feather.write_feather(table, tmp_path / "t.feather")
    for name in ("t.parquet", "t.feather"):
        with opened_file(tmp_path / name, Writing()) as file:
            shares = [file.share_read for _ in file.blocks(4)]
            assert shares == sorted(shares)
            assert (shares[0], shares[-1]) == (0.4, 1.0)
    with opened_file(tmp_path / "t.parquet", Writing()) as file:
        file.read_only(1)
        assert [file.share_read for _ in file.blocks(4)] == [0.8, 1.0]


def test_what_was_read_of_a_parquet_file_is_not_kept(tmp_path: Path) -> None:
    """Memory while reading does not grow with the number of row groups: pyarrow keeps all by default."""
    n_groups, n_rows, n_columns = 20, 5000, 10
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=n_groups * n_rows) for i in range(n_columns)}
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet", row_group_size=n_rows)
    size = (tmp_path / "x.parquet").stat().st_size
    tracemalloc.start()
    try:
        n_read = sum(block.n_rows for block in read_blocks(tmp_path / "x.parquet", n_rows=500))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_read == n_groups * n_rows
    assert peak < size / 4

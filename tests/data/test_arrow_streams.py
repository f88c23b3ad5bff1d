"""Columns of Parquet and Arrow files as streams."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.data import Stream, StreamMemory, StreamSource, as_stream, in_turn
from nncore.data.arrow_streams import FragmentStream, ParquetStream, ScannerStream
from nncore.errors import DataError, DtypeError, ParameterError

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")


def whole(stream: Stream, n_rows: int = 1000) -> tuple[np.ndarray, np.ndarray | None]:
    blocks = [block for _, block in in_turn(stream, n_rows)]
    assert all(len(block) <= n_rows for block in blocks)
    X, y = (np.concatenate(parts) if (parts := [p for b in blocks if (p := getattr(b, name)) is not None]) else None for name in ("X", "y"))
    assert X is not None
    return X, y


def stream(X: Any, y: Any = None, sample_weight: Any = None) -> Stream:
    found = as_stream(X, y, sample_weight)
    assert found is not None
    return found


def test_all_kinds_of_numbers(tmp_path: Path) -> None:
    columns = {
        "a": pa.array([1, None, 3], pa.int8()),
        "b": pa.array([True, False, None]),
        "c": pa.array([1.5, None, float("nan")], pa.float32()),
        "d": pa.array([2**40, 1, None], pa.int64()),
        "e": pa.array([1, 2, 3], pa.decimal128(9, 2)),
        "f": pa.nulls(3),
        "y": pa.array([0, 1, 2], pa.int8()),
    }
    pq.write_table(pa.table(columns), tmp_path / "all.parquet")
    found = stream(tmp_path / "all.parquet", "y")
    assert found.names == ("a", "b", "c", "d", "e", "f")
    X, y = whole(found, 2)
    nan = np.nan
    np.testing.assert_array_equal(X, [[1, 1, 1.5, 2**40, 1, nan], [nan, 0, nan, 1, 2, nan], [3, nan, nan, nan, 3, nan]])
    assert y is not None
    np.testing.assert_array_equal(y, [0, 1, 2])
    assert y.dtype.kind == "i"


def test_float32_stays_float32_and_several_targets_are_columns(tmp_path: Path) -> None:
    table = pa.table({name: np.arange(4, dtype=np.float32) + i for i, name in enumerate("abcd")})
    pq.write_table(table, tmp_path / "all.parquet")
    X, y = whole(stream(tmp_path / "all.parquet", ["d", "b"]))
    assert X.dtype == np.float32
    assert y is not None
    np.testing.assert_array_equal(y, np.column_stack([np.arange(4) + 3, np.arange(4) + 1]))


def test_row_groups_and_files_are_pieces(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(pa.table({"a": np.arange(10.0) + 10 * number, "y": np.zeros(10)}), tmp_path / f"{number}.parquet", row_group_size=4)
    found = stream(tmp_path, "y")
    assert isinstance(found, ParquetStream)
    assert found.piece_rows.tolist() == [4, 4, 2] * 3
    assert next(found.read(4, 3)).X.ravel().tolist() == [14, 15, 16]
    np.testing.assert_array_equal(whole(found)[0].ravel(), np.arange(30))
    assert isinstance(stream(ds.dataset(tmp_path).filter(ds.field("a") > 5), "y"), ScannerStream)
    assert stream(ds.dataset(tmp_path).filter(ds.field("a") > 5), "y").n_samples == 24


def test_keys_of_folders_are_columns(tmp_path: Path) -> None:
    table = pa.table({"a": np.arange(6.0), "year": [2020, 2020, 2021, 2021, 2021, 2022], "y": np.zeros(6)})
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=ds.partitioning(pa.schema([("year", pa.int32())]), flavor="hive"))
    X, _ = whole(stream(ds.dataset(tmp_path, partitioning="hive"), "y"))
    np.testing.assert_array_equal(X[np.argsort(X[:, 0])], np.column_stack([np.arange(6), table["year"]]))


def test_a_column_that_a_file_lacks_is_missing_there(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0], "b": [2.0], "y": [0]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [3.0], "y": [1]}), tmp_path / "2.parquet")
    X, _ = whole(stream(tmp_path, "y"))
    np.testing.assert_array_equal(X, [[1, 2], [3, np.nan]])


def test_other_formats_are_read_file_by_file(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.csv").write_text("a,y\n1,0\n2,1\n")
    found = stream(ds.dataset(tmp_path, format="csv"), "y")
    assert isinstance(found, FragmentStream)
    assert found.piece_rows is not None
    assert found.piece_rows.tolist() == [2, 2]
    np.testing.assert_array_equal(whole(found, 1)[0].ravel(), [1, 2, 1, 2])


def test_a_scanner_chooses_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": np.arange(5.0), "b": list("vwxyz"), "y": np.zeros(5)}), tmp_path / "all.parquet")
    scanner = ds.dataset(tmp_path / "all.parquet").scanner(columns=["y", "a"], filter=ds.field("a") > 1)
    X, _ = whole(stream(scanner, "y"), 2)
    np.testing.assert_array_equal(X.ravel(), [2, 3, 4])


@pytest.mark.parametrize("column", [["v", "w"], [datetime.date(2020, 1, 1)] * 2, [[1.0], [2.0]]])
def test_what_is_no_number_is_refused_before_anything_is_read(column: list[Any], tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0, 2.0], "b": column, "y": [0, 1]}), tmp_path / "all.parquet")
    with pytest.raises(DtypeError, match=r"column 'b' of all\.parquet holds .*, but a network needs numbers: encode it, or leave it out"):
        stream(tmp_path / "all.parquet", "y")


def test_columns_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    pq.write_table(pa.table({"a": [1.0], "y": [0]}), path)
    with pytest.raises(DataError, match=r"all\.parquet has no column 'z'; it has a, y"):
        stream(path, "z")
    with pytest.raises(DataError, match="has no columns for features besides y, a"):
        stream(path, "y", "a")
    with pytest.raises(ParameterError, match=r"y must name a column or several columns of all\.parquet, got a ndarray"):
        stream(path, np.zeros(1))
    path.write_bytes(b"PAR1 no such file PAR1")
    with pytest.raises(DataError, match=r"all\.parquet cannot be read"):
        stream(path, "y")


def test_a_large_row_group_is_refused_where_memory_is_scarce(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 60_000)).astype(np.float32)
    pq.write_table(pa.table({f"x{i}": column for i, column in enumerate(X)} | {"y": np.zeros(60_000)}), tmp_path / "all.parquet")
    source = StreamSource(stream(tmp_path / "all.parquet", "y"), StreamMemory(10**7))
    with pytest.raises(ParameterError, match=r"a piece of all\.parquet takes .* while it is read, and memory_limit=10 MB leaves 2\.5 MB"):
        StreamMemory(10**7).mixing(source.stream, 10, 100, None)

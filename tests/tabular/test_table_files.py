"""Tables in several files, and subsets of their rows."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from nncore.contract import row_hashes
from nncore.data import is_below
from nncore.errors import DataError
from nncore.tabular import TableFiles, is_one_file, read_table


def write(path: Path, first: int, n_rows: int, header: str = "i,word") -> None:
    path.write_text("\n".join([header, *(f"{i},w{i % 3}" for i in range(first, first + n_rows))]) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(3):
        write(tmp_path / f"part-{k}.csv", 100 * k, 100)
    return tmp_path


def test_a_folder_a_pattern_and_a_file(folder: Path) -> None:
    (folder / "_SUCCESS").touch()
    assert [path.name for path in TableFiles.of(folder).paths] == ["part-0.csv", "part-1.csv", "part-2.csv"]
    assert [path.name for path in TableFiles.of(folder / "part-[12].csv").paths] == ["part-1.csv", "part-2.csv"]
    assert TableFiles.of(folder / "part-1.csv").paths == [folder / "part-1.csv"]
    assert [is_one_file(path) for path in (folder, folder / "part-*.csv", folder / "part-0.csv", folder / "gone.csv")] == [
        False,
        False,
        True,
        True,
    ]


def test_all_rows_are_drawn_if_there_are_no_more(folder: Path) -> None:
    found = TableFiles.of(folder).drawn(1000, seed=0)
    assert (found.sizes, found.share) == ([100, 100, 100], 1.0)
    assert list(found.table.column("i")) == [str(i) for i in range(300)]
    assert found.numbers.tolist() == list(range(300))
    one = TableFiles.of(folder / "part-1.csv").drawn(1000, seed=0).table
    assert list(one.column("i")) == list(read_table(folder / "part-1.csv").column("i"))
    assert one.place(0) == "line 2"


def test_rows_are_drawn_by_their_numbers(folder: Path) -> None:
    files = TableFiles.of(folder)
    found, other = files.drawn(100, seed=1), files.drawn(100, seed=2)
    assert list(found.table.column("i")) == list(map(str, found.numbers.tolist()))
    assert found.numbers.tolist() != other.numbers.tolist()
    assert found.numbers.tolist() == np.sort(np.argsort(row_hashes(np.arange(300), 1))[:100]).tolist()
    assert found.share == row_hashes(found.numbers, 1).max() / 2**64
    assert found.table.place(3) == f"row {found.numbers[3] + 1}"
    few = files.drawn(20, seed=1)
    assert set(few.numbers.tolist()) <= set(found.numbers.tolist())


def test_shares_are_shares() -> None:
    rows = np.arange(100_000)
    assert is_below(rows, 1, 0).all()
    assert not is_below(rows, 0, 0).any()
    assert is_below(rows, 0.25, 7).mean() == pytest.approx(0.25, abs=0.006)
    assert (is_below(rows, 0.25, 7) <= is_below(rows, 0.5, 7)).all()


def test_packed_files_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n\n3,4\n5,6\n"))
    files = TableFiles.of(path)
    assert files.drawn(10, 0).sizes == [3]
    assert [table.n_rows for table in files.blocks(0, 2)] == [2, 1]


def test_refusals(folder: Path, tmp_path: Path) -> None:
    write(folder / "part-9.csv", 0, 3, header="i,other")
    with pytest.raises(DataError, match=r"part-9\.csv has other columns than .*part-0\.csv \('other'\)"):
        TableFiles.of(folder)
    (tmp_path / "empty").mkdir()
    for path, why in (
        (Path("-"), "standard input can be read only once"),
        (tmp_path / "none*", "there is no file"),
        (tmp_path / "empty", "without files"),
    ):
        with pytest.raises(DataError, match=why):
            TableFiles.of(path)
    with pytest.raises(DataError, match="has no column 'wrd'; did you mean 'word'"):
        TableFiles.of(folder / "part-1.csv").check(["i", "wrd"])


def test_groups_of_rows_are_pieces(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for k in range(2):
        parquet.write_table(pa.table({"i": np.arange(100 * k, 100 * k + 100)}), tmp_path / f"part-{k}.parquet", row_group_size=40)
    files = TableFiles.of(tmp_path)
    assert [(path.name[5], group) for path, group in files.pieces] == [("0", 0), ("0", 1), ("0", 2), ("1", 0), ("1", 1), ("1", 2)]
    assert files.piece_sizes(files.drawn(1000, seed=0).sizes) == [40, 40, 20, 40, 40, 20]
    tables = [list(files.blocks(number, 25)) for number in (5, 1)]
    assert [[list(map(int, table.column("i"))) for table in own] for own in tables] == [
        [list(range(180, 200))],
        [list(range(40, 65)), list(range(65, 80))],
    ]
    assert tables[1][1].place(0) == "row 66"

"""Every reader performs every check, so that all kinds of files are refused for the same reasons."""

from __future__ import annotations

import csv
import gzip
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import nncore.tabular.reader
from nncore.errors import DataError
from nncore.tabular import read_blocks, read_table, table_file
from nncore.tabular.table_file import CHECKS, TableFile

#: Names of columns, and cells of a row of text.
Columns = Sequence[tuple[str, Sequence[str]]]


def readers() -> Iterator[type[TableFile]]:
    """All reader classes, including indirect subclasses."""
    waiting = [TableFile]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from (reader for reader in found if not inspect.isabstract(reader))


def csv_file(path: Path, columns: Columns) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [[name for name, _ in columns], *zip(*(cells for _, cells in columns), strict=True)]
        )


def arrow_table(columns: Columns) -> object:
    arrow = pytest.importorskip("pyarrow")
    return arrow.Table.from_arrays([arrow.array(cells) for _, cells in columns], names=[name for name, _ in columns])


def parquet_file(path: Path, columns: Columns) -> None:
    pytest.importorskip("pyarrow.parquet").write_table(arrow_table(columns), path)


def feather_file(path: Path, columns: Columns) -> None:
    arrow = pytest.importorskip("pyarrow")
    with arrow.OSFile(str(path), "wb") as file, arrow.ipc.new_file(file, arrow_table(columns).schema) as writer:  # type: ignore[attr-defined]
        writer.write_table(arrow_table(columns))


#: Functions that write a file for each reader, by the name of its kind.
WRITERS: dict[str, Callable[[Path, Columns], None]] = {"CSV": csv_file, "Parquet": parquet_file, "Arrow": feather_file}

#: For each check, columns that fail it, and the message.
FAULTY: dict[str, tuple[Columns, str]] = {
    "some_columns": ([], "no columns|is empty"),
    "not_too_many_columns": ([(f"v{i}", ["1", "2"]) for i in range(40)], "has 40 columns, more than 30"),
    "distinct_names": ([("a", ["1"]), (" b", ["2"]), ("b ", ["3"])], r"has 2 columns named 'b' \(number 2, 3\); rename all but one"),
}

by_reader = pytest.mark.parametrize("reader", sorted(readers(), key=lambda reader: reader.kind), ids=lambda reader: reader.kind)


@by_reader
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("read", [read_table, lambda path: list(read_blocks(path))], ids=["whole", "blocks"])
def test_every_reader_makes_every_check(
    reader: type[TableFile],
    check: Callable[..., None],
    read: Callable[[Path], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_file, "MOST_COLUMNS", 30)
    columns, message = FAULTY[check.__name__]
    path = tmp_path / "data"
    WRITERS[reader.kind](path, columns)
    with pytest.raises(DataError, match=message):
        read(path)


@by_reader
def test_no_reader_has_names_or_checks_of_its_own(reader: type[TableFile]) -> None:
    shared = ("names", "check", "blocks")
    assert [name for name in shared if inspect.getattr_static(reader, name) is not inspect.getattr_static(TableFile, name)] == []


@by_reader
def test_one_rule_for_names(reader: type[TableFile], tmp_path: Path) -> None:
    path = tmp_path / "data"
    WRITERS[reader.kind](path, [(" a ", ["1"]), ("", ["2"]), ("\tb\u00a0", ["3"]), ("A", ["x"])])
    table = read_table(path)
    assert table.names == ["a", "c2", "b", "A"]
    assert [table.column(name) for name in table.names] == [["1"], ["2"], ["3"], ["x"]]


@by_reader
def test_a_name_given_to_a_nameless_column_is_not_taken_twice(reader: type[TableFile], tmp_path: Path) -> None:
    path = tmp_path / "data"
    WRITERS[reader.kind](path, [("c2", ["1"]), ("", ["2"])])
    with pytest.raises(DataError, match="2 columns named 'c2'"):
        read_table(path)


@by_reader
@pytest.mark.parametrize("read", [read_table, lambda path: list(read_blocks(path))], ids=["whole", "blocks"])
def test_no_rows(reader: type[TableFile], read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "data"
    WRITERS[reader.kind](path, [("a", []), ("b", [])])
    with pytest.raises(DataError, match="column names and no rows"):
        read(path)


@by_reader
def test_a_column_that_is_not_there_is_told_before_a_row_is_read(
    reader: type[TableFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(self: TableFile, n_rows: int) -> Iterator[table_file.Block]:
        raise AssertionError("a row was read")

    path = tmp_path / "data"
    WRITERS[reader.kind](path, [("species", ["1"]), ("b", ["2"])])
    monkeypatch.setattr(reader, "rows", rows)
    with pytest.raises(DataError, match="no column 'specie'; did you mean 'species'"):
        read_table(path, needed=["b", "specie"])


@by_reader
def test_blanks_around_cells_and_empty_cells(reader: type[TableFile], tmp_path: Path) -> None:
    path = tmp_path / "data"
    WRITERS[reader.kind](path, [("a", [" x ", "", "  ", "y"]), ("b", ["1", "2", "3", "4"])])
    assert read_table(path).column("a") == ["x", None, None, "y"]


@by_reader
def test_a_packed_file_is_read_or_said_to_be_one(reader: type[TableFile], tmp_path: Path) -> None:
    path = tmp_path / "data"
    WRITERS[reader.kind](path, [("a", ["x"]), ("b", ["1"])])
    path.write_bytes(gzip.compress(path.read_bytes()))
    if reader.kind == "CSV":
        assert read_table(path).column("a") == ["x"]
    else:
        with pytest.raises(DataError, match=f"data is a compressed {reader.kind} file, which must be read from its end; unpack it first"):
            read_table(path)


def test_nothing_is_left_out_here() -> None:
    assert {reader.kind for reader in readers()} == set(WRITERS)
    assert {check.__name__ for check in CHECKS} == set(FAULTY)
    defined = [check for name, check in vars(table_file).items() if inspect.isfunction(check) and check.__module__ == table_file.__name__]
    assert set(defined) == set(CHECKS)
    assert set(nncore.tabular.reader._TYPED) < set(readers())

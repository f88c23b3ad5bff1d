from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nncore.errors import DataError
from nncore.tabular.dialect import SEPARATOR_NAMES, SEPARATORS, find_separator, first_row_is_header
from nncore.tabular.reader import Writing, read_table
from nncore.tabular.table import Table


def read(tmp_path: Path, content: str | bytes, *, header: bool | None = None) -> Table:
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, Writing(header=header))


@pytest.mark.parametrize("delimiter", SEPARATORS, ids=SEPARATOR_NAMES.get)
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    table = read(tmp_path, "age;name\n1;x\n2;y\n".replace(";", delimiter))
    assert table.delimiter == delimiter
    assert table.names == ["age", "name"]
    assert table.columns == [["1", "2"], ["x", "y"]]
    assert list(table.lines) == [2, 3]


def test_the_other_separator_may_occur_in_cells(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,5;x, y\n2;z\n").columns == [["1.5", "2"], ["x, y", "z"]]


def test_decimal_commas(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b;c\n1,5;x, y;1,234\n2;z,1;-2,5e3\n?;;,5\n")
    assert table.decimal_comma
    assert table.columns == [["1.5", "2", "?"], ["x, y", "z,1", None], ["1.234", "-2.5e3", ".5"]]


def test_a_header_above_decimal_commas_is_seen(tmp_path: Path) -> None:
    assert read(tmp_path, "x;c\n1,5;c\n-0,25;d\n").names == ["x", "c"]
    without = read(tmp_path, "1,5;c\n-0,25;d\n")
    assert without.names == ["c1", "c2"]
    with pytest.raises(DataError, match=r"its first line is read as data, so the columns are named 'c1', 'c2'; .* add --header"):
        without.column("x")


def test_what_may_be_thousands_stays_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,234;x\n12,500;y\n").columns[0] == ["1,234", "12,500"]
    assert read(tmp_path, 'a,b\n"1,5",x\n').columns[0] == ["1,5"]


def test_decimal_commas_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a;b\n1,234;x\n")
    assert read_table(path, Writing(decimal_comma=True)).columns[0] == ["1.234"]


def test_spaces_quotes_missing_and_line_ends(tmp_path: Path) -> None:
    table = read(tmp_path, 'a, b, c\r\n 1 , "x, ""y""", ?\r\n2, NA, z\r\n')
    assert table.names == ["a", "b", "c"]
    assert table.columns == [["1", "2"], ['x, "y"', "NA"], ["?", "z"]]


def test_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n").names == ["a", "b"]


def test_a_quoted_cell_may_have_lines(tmp_path: Path) -> None:
    table = read(tmp_path, 'n,text\n1,"two\nlines"\n2,x\n')
    assert table.columns[1] == ["two\nlines", "x"]
    assert list(table.lines) == [3, 4]


def test_other_line_separators_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, "n,text\n1,a\x0cb\u2028c\n").columns[1] == ["a\x0cb\u2028c"]


def test_empty_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    table = read(tmp_path, "\na,b\n\n1,2\n  \n3,4\n\n")
    assert table.columns == [["1", "3"], ["2", "4"]]
    assert list(table.lines) == [4, 6]
    assert table.n_blank == 4


def test_header_is_seen(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,x\n").has_header
    assert not read(tmp_path, "7.4,x\n7.8,y\n").has_header
    assert read(tmp_path, "7.4,x\n7.8,y\n").names == ["c1", "c2"]
    assert read(tmp_path, "colour,size\nred,big\nblue,small\n").has_header
    assert not read(tmp_path, "red,big\nblue,big\nred,small\n").has_header


def test_header_can_be_said(tmp_path: Path) -> None:
    assert read(tmp_path, "2019,2020\n1,2\n", header=True).names == ["2019", "2020"]
    assert read(tmp_path, "a,b\n1,2\n", header=False).columns == [["a", "1"], ["b", "2"]]


def test_nameless_index_column(tmp_path: Path) -> None:
    assert read(tmp_path, ",a,b\n0,1,2\n1,3,4\n").names == ["c1", "a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 values where the header has 2"),
        ("a,b\n1,2\n\n5\n", "line 4 has 1 values where the header has 2"),
        ("1,2\n1,2,3\n", "line 2 has 3 values where the first row has 2"),
        ("a,b,a\n1,2,3\n", "2 columns named 'a' (number 1, 3)"),
        ('a,b\n1,"x\n2,y\n', "line 2"),
        (b"a,b\n1,caf\xe9\n", "line 2 holds the byte 0xe9"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "damaged"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
        (b"PK\x03\x04rest", "damaged or cut off"),
        (b"\x1f\x8brest", "damaged or cut off"),
    ],
)
def test_bad_files(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value)
    assert "data.csv" in str(caught.value)


def test_no_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


def test_unknown_column_suggests(tmp_path: Path) -> None:
    table = read(tmp_path, "species,island\nA,1\n")
    with pytest.raises(DataError, match="did you mean 'species'"):
        table.column("specie")
    with pytest.raises(DataError, match="it has 'species', 'island'"):
        table.column("zzz")


def test_one_column_is_a_table(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n2\n").columns == [["1", "2"]]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).map(lambda text: f"v{text}v".replace("\r", " "))


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5)))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    names = [f"name{i}" for i in range(len(rows[0]))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([names, *rows])
    table = read(tmp_path_factory.mktemp("read"), text.getvalue(), header=True)
    assert table.delimiter == "," or len(names) == 1
    assert table.names == names
    assert [list(row) for row in zip(*table.columns, strict=True)] == rows


def test_sniffing_prefers_rows_of_one_length() -> None:
    assert find_separator(["a;b, c, d\n", "1;x\n", "2;y, z\n"]) == ";"
    assert find_separator(["only\n", "one\n"]) == ","
    assert find_separator([]) == ","


def test_header_of_short_rows_does_not_fail() -> None:
    assert first_row_is_header([["a", "b"], ["1"]])

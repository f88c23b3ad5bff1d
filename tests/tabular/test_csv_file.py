"""Rows of CSV files are lines; dropped ones are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from nncore.errors import DataError
from nncore.tabular import Table, csv_file, read_blocks, read_table


def read(tmp_path: Path, content: str) -> Table:
    path = tmp_path / "data.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return read_table(path)


ONE_COLUMN = {
    "as pandas writes a missing cell": ('a\n1\n""\n3\n', ["1", None, "3"], 0),
    "at the end": ('a\n1\n3\n""\n', ["1", "3", None], 0),
    "as others do": ("a\n1\n\n3\n", ["1", None, "3"], 0),
    "blanks": ("a\n1\n  \n3\n", ["1", None, "3"], 0),
    "after the last row": ("a\n1\n\n3\n\n\n", ["1", None, "3"], 2),
    "before the header": ("\n\na\n1\n3\n", ["1", "3"], 2),
    "all but one": ('a\n""\n""\n7\n', [None, None, "7"], 0),
}


@pytest.mark.parametrize("what", ONE_COLUMN)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_an_empty_line_of_one_column_is_a_row(what: str, end: str, tmp_path: Path) -> None:
    content, column, n_blank = ONE_COLUMN[what]
    table = read(tmp_path, content.replace("\n", end))
    assert (table.columns, table.n_blank) == ([column], n_blank)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_an_empty_line_of_several_columns_is_counted(end: str, tmp_path: Path) -> None:
    table = read(tmp_path, "\na,b\n\n1,2\n \n\n3,4\n\n".replace("\n", end))
    assert (table.columns, table.n_blank) == ([["1", "3"], ["2", "4"]], 5)
    assert list(table.lines) == [4, 7]


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,2\n3,4").n_rows == 2


@pytest.mark.parametrize("n_rows", [1, 2, 3, 100])
def test_blocks_count_like_the_whole(n_rows: int, tmp_path: Path) -> None:
    read(tmp_path, "a,b\n1,2\n\n3,4\n5,6\n\n\n")
    blocks = list(read_blocks(tmp_path / "data.csv", n_rows=n_rows))
    assert (sum(block.n_rows for block in blocks), blocks[-1].n_blank) == (3, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# made on Monday\na,b\n1,2\n", "line 1: '# made on Monday' is a comment, not a row; delete it and all others"),
        ("a,b\n1,2\n# done\n", "line 3 has 1 values where the header has 2; if it is a comment, delete it"),
        (
            "a,b\n1,2\n3\n",
            "line 3 has 1 values where the header has 2; a value with the separator in it needs quotes, and --separator sets another",
        ),
        ("a,b\n1,2\n3,4,\n", "line 3 has 3 values where the header has 2"),
    ],
    ids=["comment first", "comment last", "short", "long"],
)
def test_what_is_no_row_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value)


def test_a_hash_may_begin_a_name(tmp_path: Path) -> None:
    assert read(tmp_path, "# a,b\n1,2\n").names == ["# a", "b"]


def test_long_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import csv

    before = csv.field_size_limit()
    long = "x" * (before + 1)
    assert read(tmp_path, f'a,b\n1,"{long}"\n2,{long}\n').columns[1] == [long, long]
    assert csv.field_size_limit() == before
    monkeypatch.setattr(csv_file, "MOST_CHARACTERS", before)
    with pytest.raises(DataError, match=f"line 2: a cell of more than {before} characters; check for a quote that is not closed"):
        read(tmp_path, f'a,b\n1,"{long}"\n')
    assert csv.field_size_limit() == before


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncore.tabular import source

    monkeypatch.setattr(source, "MOST_CHARACTERS", 1000)
    assert read(tmp_path, f"a,b\n1,{'x' * 990}\n").n_rows == 1
    with pytest.raises(DataError, match="line 2 has more than 1000 characters; give a file with one row in each line"):
        read(tmp_path, f"a,b\n1,{'x' * 1000}\n")

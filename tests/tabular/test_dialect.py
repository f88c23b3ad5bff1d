from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nncore.errors import DataError
from nncore.tabular import Writing, read_blocks, read_table
from nncore.tabular.dialect import FEWEST, SAMPLE, SEPARATORS, find_separator, sample

FOUND = {
    "decimal commas without a header": ("1,50;2,25;0,75\n1,25;2,75;0,50\n", ";"),
    "commas in the names": ("Height, m;Weight, kg;y\n1,80;75,5;1\n1,65;60,0;0\n", ";"),
    "numbers and words": ("1,5;c\n-0,25;d\n", ";"),
    "decimal commas between blanks": ("1,5 2,5\n3,5 4,5\n", " "),
    "decimal commas between tabs": ("1,5\t2,5\n3,5\t4,5\n", "\t"),
    "semicolons in text": ("1,x;y,2\n3,z;w,4\n", ","),
    "semicolons in text below a header": ("id,title,kinds\n1,a,Action;Drama\n2,b,Comedy;War\n", ","),
    "commas in text": ("a;b\n1;x, y\n2;z\n", ";"),
    "bars": ("a|b\n1,5|x\n", "|"),
    "tabs beside blanks": ("a\tb\n1\tNew York\n2\tSan José\n", "\t"),
    "blanks in columns": ("x     z y\n1.5   2 a\n10.25 3 b\n", " "),
    "blanks in front": ("  1.5 2\n 10.5 3\n", " "),
    "separators in quotes": ('a,b\n"1;2",x\n"3;4",y\n', ","),
    "one column": ("a\n1\n2\n", ","),
    "one column of sentences": ("text\nso it is\nand so on it goes\n", ","),
    "one column of decimal commas": ("a\n1,5\n2,5\n", ","),
    "a row too short": ("a;b;c\n1;2;3\n4;5\n6;7;8\n9;1;2\n", ";"),
    "dates with times": ("2024-01-31 10:00,5\n2024-02-01 11:00,6\n", ","),
    "nothing": ("", ","),
}


@pytest.mark.parametrize("what", FOUND)
def test_the_separator_is_found(what: str) -> None:
    text, separator = FOUND[what]
    assert find_separator(text.splitlines(keepends=True)) == separator


@pytest.mark.parametrize(
    "text",
    ["a,b;c,d\nu,p;q,w\nv,r;s,x\n", "name;city, state\nBob;Austin, TX\n", "1 000,5 000\n2 000,6 000\n"],
    ids=["words", "a place", "thousands or decimals"],
)
def test_what_can_be_read_in_two_ways_is_refused_with_both(text: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"can be read in two ways: with .*commas.* columns .*, or with .* columns .*; add --separator"):
        read_table(path)
    readings = {separator: read_table(path, Writing(separator=separator, header=False)).columns[0][0] for separator in ",; "}
    assert len(set(readings.values())) > 1


def test_the_separator_of_training_decides_where_two_are_as_good() -> None:
    lines = ["a,b;c,d\n", "u,p;q,w\n"]
    assert find_separator(lines, preferred=";") == ";"
    assert find_separator(lines, preferred=",") == ","
    assert find_separator(["1;2\n", "3;4\n"], preferred=",") == ";"
    assert find_separator(["1^2\n", "3^4\n"], preferred="^") == "^"


words = st.text(st.characters(codec="utf-8", categories=("L",)), min_size=1, max_size=6)
numbers = st.floats(-1e6, 1e6).map(lambda number: f"{number:.3f}")


@given(
    st.sampled_from(SEPARATORS),
    st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=2, max_size=6)),
)
def test_any_table_of_numbers(separator: str, rows: list[list[str]]) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([[f"n{i}" for i in range(len(rows[0]))], *rows])
    assert find_separator(file.getvalue().splitlines(keepends=True)) == separator


@given(
    st.sampled_from(SEPARATORS[:-1]),
    st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(words, min_size=n, max_size=n), min_size=2, max_size=6)),
)
def test_any_table_of_words(separator: str, rows: list[list[str]]) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(rows)
    assert find_separator(file.getvalue().splitlines(keepends=True)) == separator


def test_few_lines_are_looked_at_where_they_are_long() -> None:
    short, long = (text for text in ["1,2\n"]), "1,2" * 500_000 + "\n"
    assert len(sample(iter(["1,2\n"] * 1000))) == SAMPLE
    assert len(sample(iter([long] * 1000))) == FEWEST
    assert len(sample(short)) == 1


@pytest.mark.parametrize(
    ("text", "decimal_comma", "column"),
    [
        ("a;b\n1,5;x\n", None, ["1.5"]),
        ("a;b\n1,5;x\n", False, ["1,5"]),
        ('a,b\n"1,5",x\n', None, ["1,5"]),
        ('a,b\n"1,5",x\n', True, ["1.5"]),
        ("a;b\n1.500;2,5\n", None, ["1500"]),
        ("a;b\n1.500;2.5\n", None, ["1.500"]),
        ("a;b\n1.500;x\n", True, ["1500"]),
        ("a;b\n1.234.567,5;x\n", None, ["1234567.5"]),
        ("a;b\n1.234,567;x\n", None, ["1234.567"]),
        ("a;b\n1.234.567,5;2,5\n", None, ["1234567.5"]),
    ],
)
def test_decimals(text: str, decimal_comma: bool | None, column: list[str], tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    table = read_table(path, Writing(decimal_comma=decimal_comma))
    assert table.columns[0] == column
    assert bool(table.thousands) == (column[0] in ("1500", "1234567.5", "1234.567"))


@pytest.mark.parametrize("read", [read_table, lambda path: list(read_blocks(path))], ids=["whole", "blocks"])
def test_points_and_commas_in_one_file_are_refused(read: object, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a;b\n1.25;2,5\n3.5;4,5\n")
    with pytest.raises(DataError, match=r"column 'a' holds '.*', with a decimal point, but the file has decimal commas.* --decimal \."):
        read(path)  # type: ignore[operator]
    path.write_text("a;b\n1.25;2,5\nversion;4,5\n")
    assert read_table(path).columns == [["1.25", "version"], ["2.5", "4.5"]]

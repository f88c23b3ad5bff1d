"""Reading a CSV file, with the line number in every complaint."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from nncore.errors import DataError
from nncore.tabular.dialect import SAMPLE, first_row_is_header, parse, sniff_delimiter
from nncore.tabular.table import Table
from nncore.tabular.values import clean, has_decimal_commas, with_point


def read_csv(path: str | Path, *, header: bool | None = None, decimal_comma: bool | None = None) -> Table:
    """Read a CSV file.

    Parameters
    ----------
    path : str or Path
        UTF-8 text (a byte-order mark is fine) separated by commas, semicolons, tabs or bars; the separator is found by
        looking. Cells may be quoted with ``"``. Empty lines are skipped.
    header : bool or None, default None
        Whether the first line names the columns; None looks. Without a header they are called ``c1`` to ``cn``.
    decimal_comma : bool or None, default None
        Whether 1,5 means 1.5; None looks, if the comma is not the separator.

    Raises
    ------
    DataError
        If the file cannot be read, is empty, is not UTF-8, has rows of different lengths or two columns of one name.
    """
    lines = list(io.StringIO(_text(Path(path)), newline=""))  # str.splitlines would also cut at form feeds
    delimiter = sniff_delimiter(lines[:SAMPLE])
    rows, numbers = _rows(str(path), lines, delimiter)
    if not rows:
        raise DataError(f"{path} is empty")
    has_header = first_row_is_header(rows[:SAMPLE]) if header is None else header
    if has_header:
        names = _names(str(path), rows.pop(0))
        numbers.pop(0)
    else:
        names = [f"c{i}" for i in range(1, len(rows[0]) + 1)]
    if not rows:
        raise DataError(f"{path} has a line of column names and no rows; if that line is data, say --no-header")
    _check_lengths(str(path), rows, numbers, names, has_header)
    meanings = [{text: clean(text) for text in set(column)} for column in zip(*rows, strict=True)]
    if decimal_comma is None:
        decimal_comma = delimiter != "," and any(has_decimal_commas(meaning.values()) for meaning in meanings)
    if decimal_comma:
        meanings = [{text: value and with_point(value) for text, value in meaning.items()} for meaning in meanings]
    # One string object for each distinct value: a column of categories costs a pointer a row.
    columns = [[meaning[text] for text in column] for meaning, column in zip(meanings, zip(*rows, strict=True), strict=True)]
    return Table(str(path), names, columns, numbers, has_header, delimiter, decimal_comma)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if data[:4] == b"PK\x03\x04":
        raise DataError(f"{path} is a spreadsheet or a zip archive, not a CSV file; export the sheet as CSV (UTF-8)")
    if data[:2] == b"\x1f\x8b":
        raise DataError(f"{path} is compressed; unpack it first (gunzip -k {path})")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16, not UTF-8; save it as UTF-8 (iconv -f UTF-16 -t UTF-8 {path} > new.csv)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}; save it as UTF-8 "
            f"(if it is Latin-1: iconv -f LATIN1 -t UTF-8 {path} > new.csv)"
        ) from None


def _rows(source: str, lines: list[str], delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Rows that are not empty, and the line on which each ends."""
    reader = parse(lines, delimiter)
    rows: list[list[str]] = []
    numbers: list[int] = []
    start = 1
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                rows.append(row)
                numbers.append(reader.line_num)
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{source}, line {start}: {error}; look for a quote that is not closed") from error
    return rows, numbers


def _names(source: str, row: list[str]) -> list[str]:
    """Column names; a nameless column, as pandas writes its index, gets its number."""
    names = [cell.strip() or f"c{i}" for i, cell in enumerate(row, start=1)]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        places = [i for i, other in enumerate(names, start=1) if other == name]
        raise DataError(f"{source} has {count} columns named {name!r} (number {', '.join(map(str, places))}); rename all but one")
    return names


def _check_lengths(source: str, rows: list[list[str]], numbers: list[int], names: list[str], has_header: bool) -> None:
    for row, number in zip(rows, numbers, strict=True):
        if len(row) != len(names):
            above = "the header" if has_header else "the first row"
            raise DataError(
                f"{source}, line {number} has {len(row)} values where {above} has {len(names)}; a value holding the separator needs quotes"
            )

"""Reading a table: all of it to learn from, or a block of rows at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nncore.blocks import rows_at_once
from nncore.errors import DataError
from nncore.tabular.arrow_file import ArrowFile, ParquetFile
from nncore.tabular.csv_file import CsvFile
from nncore.tabular.magic import HEAD
from nncore.tabular.packed import unpacked
from nncore.tabular.source import opened, source_name, text_lines
from nncore.tabular.table import Table, unknown_column
from nncore.tabular.table_file import TableFile
from nncore.tabular.values import decimal_point, has_decimal_commas, has_thousands, with_point

#: Rows of a block: enough that the work on a block outweighs the work around it. A wide table has fewer: so many cells.
BLOCK_ROWS, BLOCK_CELLS = 16_384, 2**20

#: What is known by its first bytes. Everything else is text.
_TYPED = (ParquetFile, ArrowFile)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a text file is written, as far as somebody says so.

    Attributes
    ----------
    header : bool or None
        Whether the first line names the columns; None looks. Without a header they are called ``c1`` to ``cn``.
    separator : str or None
        One character; None looks.
    decimal_comma : bool or None
        Whether 1,5 means 1.5; None looks, if the comma is not the separator.
    like_separator : str
        Of a file like this one: taken where another is as good.
    like_decimal_comma : bool
        A text file like this one has decimal commas.
    """

    header: bool | None = None
    separator: str | None = None
    decimal_comma: bool | None = None
    like_separator: str = ""
    like_decimal_comma: bool = False


def read_table(path: str | Path, writing: Writing | None = None, *, needed: Sequence[str] = ()) -> Table:
    """Read a CSV, Parquet or Feather file, packed or not.

    Parameters
    ----------
    path : str or Path
        Parquet, Feather (Arrow), or text: UTF-8, or UTF-16 with a byte-order mark, separated by commas, semicolons, tabs, bars or blanks.
        Text may be packed by gzip, bzip2, xz, zstd, lz4 or zip. Cells may be quoted with ``"``. ``-`` is standard input.
    writing : Writing, optional
        What is known of it.
    needed : sequence of str
        Columns that must be there: told before any row is read.

    Raises
    ------
    DataError
        If the file cannot be read, is empty or no table, has rows of different lengths or two columns of one name, or lacks a column.
    """
    writing = writing or Writing()
    with _file(path, writing) as file:
        names, known_names = file.names, set(file.names)
        for name in dict.fromkeys(needed):
            if name not in known_names:
                raise unknown_column(file.source, names, name, has_header=file.has_header)
        # One string object for each distinct value: a column of categories costs a pointer a row.
        known: list[dict[str | None, str | None]] = [{} for _ in file.names]
        columns: list[list[str | None]] = [[] for _ in file.names]
        numbers: list[int] = []
        for block, block_numbers in file.blocks(_rows_at_once(file)):
            for column, texts, seen in zip(columns, block, known, strict=True):
                column.extend(map(seen.setdefault, texts, texts))
            numbers.extend(block_numbers)
        return _table(file, columns, numbers, _decimal_comma(file, writing))


def read_blocks(path: str | Path, writing: Writing | None = None, *, n_rows: int | None = None) -> Iterator[Table]:
    """`read_table` in tables of at most `n_rows` rows, so that memory does not grow with the file; at least one.

    Whether there are decimal commas is seen from the first block.
    """
    writing = writing or Writing()
    with _file(path, writing) as file:
        decimal_comma = _decimal_comma(file, writing)
        for columns, numbers in file.blocks(n_rows or _rows_at_once(file)):
            table = _table(file, columns, numbers, decimal_comma)
            decimal_comma = table.decimal_comma
            yield table


def _rows_at_once(file: TableFile) -> int:
    return rows_at_once(len(file.names), BLOCK_ROWS, of=BLOCK_CELLS)


def _decimal_comma(file: TableFile, writing: Writing) -> bool | None:
    if not file.delimiter:
        return False
    return True if writing.decimal_comma is None and writing.like_decimal_comma else writing.decimal_comma


@contextmanager
def _file(path: str | Path, writing: Writing) -> Iterator[TableFile]:
    source = source_name(path)
    with opened(path) as binary:
        file = _reader(binary, path, source, writing)
        file.check()
        yield file


def _reader(packed: io.BufferedReader, path: str | Path, source: str, writing: Writing) -> TableFile:
    binary = unpacked(packed, source)
    head = binary.peek(HEAD)[:HEAD]
    for typed in _TYPED:
        if _begins(head, typed.first_bytes):
            if binary is not packed:
                raise DataError(f"{source} is a {typed.kind} file packed once more, which nothing can read from its end; unpack it first")
            if writing.separator is not None or writing.decimal_comma is not None:
                raise DataError(f"{source} is a {typed.kind} file, whose columns have types; leave --separator and --decimal out")
            return typed(binary, source)
    for typed in _TYPED:
        if head and (what := typed.suffixes.get(Path(path).suffix.lower())):
            raise DataError(f"{path} is not a {what} file, although its name says so; if it is CSV, call it .csv")
    lines = text_lines(binary, source)
    return CsvFile(lines, source, header=writing.header, separator=writing.separator, preferred=writing.like_separator)


def _begins(head: bytes, mark: bytes) -> bool:
    """Whether these are the first bytes of a file of a kind, and not of a text that begins with the same letters, as ``PAR1,PAR2``."""
    following = head[len(mark) :][:1]
    return head.startswith(mark) and not (following.isalnum() or (following and following in b"\t\n\r \"',-.;_|"))


def _table(file: TableFile, columns: Iterable[Sequence[str | None]], numbers: Sequence[int], decimal_comma: bool | None) -> Table:
    columns, names, thousands = list(columns), file.names, ""
    meanings = [{text: (text.strip() or None) if text else None for text in set(column)} for column in columns]
    if decimal_comma is None:
        decimal_comma = file.delimiter != "," and any(has_decimal_commas(_present(meaning, file)) for meaning in meanings)
    if decimal_comma:
        for name, meaning in zip(names, meanings, strict=True):
            if (found := decimal_point(_present(meaning, file))) is not None:
                raise DataError(
                    f"{file.source}: column {name!r} holds {found!r}, with a decimal point, and the file has decimal commas, where a point "
                    "parts thousands; write all numbers alike, or say --decimal ."
                )
        thousands = next((text for meaning in meanings for text in meaning.values() if text is not None and has_thousands(text)), "")
        meanings = [{text: value and with_point(value) for text, value in meaning.items()} for meaning in meanings]
    return Table(
        file.source,
        names,
        [[meaning[text] for text in column] for meaning, column in zip(meanings, columns, strict=True)],
        numbers,
        file.has_header,
        file.delimiter,
        decimal_comma,
        file.unit,
        file.kind,
        file.usual_missing,
        file.n_blank,
        frozenset(names[i] for i in file.indexes),
        {names[i]: what for i, what in file.unreadable.items()},
        thousands=thousands,
    )


def _present(meaning: Mapping[str | None, str | None], file: TableFile) -> set[str]:
    """The distinct texts of a column that do not usually stand for a missing value."""
    return {text for text in meaning.values() if text is not None and text.lower() not in file.usual_missing}

"""Reading a table: all of it to learn from, or a block of rows at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nncore.tabular.csv_file import CsvFile
from nncore.tabular.parquet_file import ParquetFile
from nncore.tabular.source import is_parquet, opened, source_name, text_lines
from nncore.tabular.table import Table
from nncore.tabular.values import clean, has_decimal_commas, with_point

#: Rows of a block: enough that the work on a block outweighs the work around it.
BLOCK_ROWS = 16_384


def read_table(path: str | Path, *, header: bool | None = None, decimal_comma: bool | None = None, missing: Collection[str] = ()) -> Table:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Parquet, or UTF-8 text (a byte-order mark is fine) separated by commas, semicolons, tabs or bars; which, is found by
        looking. Text may be compressed by gzip. Cells may be quoted with ``"``. Empty lines are skipped. ``-`` is standard input.
    header : bool or None, default None
        Whether the first line names the columns; None looks. Without a header they are called ``c1`` to ``cn``.
    decimal_comma : bool or None, default None
        Whether 1,5 means 1.5; None looks, if the comma is not the separator.
    missing : collection of str, default ()
        What stands for a missing value, beside an empty cell and the usual `nncore.tabular.values.MISSING`.

    Raises
    ------
    DataError
        If the file cannot be read, is empty, is not UTF-8, has rows of different lengths or two columns of one name.
    """
    with _file(path, header) as file:
        # One string object for each distinct value: a column of categories costs a pointer a row.
        known: list[dict[str | None, str | None]] = [{} for _ in file.names]
        columns: list[list[str | None]] = [[] for _ in file.names]
        numbers: list[int] = []
        for block, block_numbers in file.blocks(BLOCK_ROWS):
            for column, texts, seen in zip(columns, block, known, strict=True):
                column.extend(map(seen.setdefault, texts, texts))
            numbers.extend(block_numbers)
        return _table(file, columns, numbers, decimal_comma, missing)


def read_blocks(
    path: str | Path,
    *,
    header: bool | None = None,
    decimal_comma: bool | None = None,
    missing: Collection[str] = (),
    n_rows: int = BLOCK_ROWS,
) -> Iterator[Table]:
    """`read_table` in tables of at most `n_rows` rows, so that memory does not grow with the file; at least one.

    Whether there are decimal commas is seen from the first block.
    """
    with _file(path, header) as file:
        for columns, numbers in file.blocks(n_rows):
            table = _table(file, columns, numbers, decimal_comma, missing)
            decimal_comma = table.decimal_comma
            yield table


@contextmanager
def _file(path: str | Path, header: bool | None) -> Iterator[CsvFile | ParquetFile]:
    source = source_name(path)
    with opened(path) as binary:
        if is_parquet(binary, path):
            yield ParquetFile(binary, source)
        else:
            yield CsvFile(text_lines(binary, source), source, header)


def _table(
    file: CsvFile | ParquetFile,
    columns: Iterable[Sequence[str | None]],
    numbers: Sequence[int],
    decimal_comma: bool | None,
    missing: Collection[str],
) -> Table:
    columns, missing = list(columns), frozenset(missing)
    meanings = [{text: None if text is None else clean(text, missing) for text in set(column)} for column in columns]
    if decimal_comma is None:
        decimal_comma = file.delimiter not in (",", "") and any(has_decimal_commas(meaning.values()) for meaning in meanings)
    if decimal_comma:
        meanings = [{text: value and with_point(value) for text, value in meaning.items()} for meaning in meanings]
    cells = [[meaning[text] for text in column] for meaning, column in zip(meanings, columns, strict=True)]
    return Table(file.source, file.names, cells, numbers, file.has_header, file.delimiter, decimal_comma, tuple(sorted(missing)), file.unit)

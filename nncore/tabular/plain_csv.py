"""Lines of a CSV file read at once by Arrow, if it would read them as Python's `csv` module does."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.tabular.source import n_lines
from nncore.tabular.texts import arrow

_QUOTE, _LINE_ENDS = ord('"'), b"\r\n"


def can_be_plain(delimiter: str) -> bool:
    """Whether Arrow is there and knows this delimiter."""
    return delimiter.isascii() and delimiter not in ' "\r\n\0' and arrow("pyarrow.csv") is not None


def read_plain(data: bytes, delimiter: str, width: int) -> list[Any] | None:
    """Arrow arrays of strings, one a column, or None if `parse` may read the lines otherwise, or refuses them.

    That is so if a line has no cell, or other than `width`; if a quote stands in a cell, or a quoted one holds a line's end, or has
    blanks before or behind; if there is a zero byte, or the text is no UTF-8.

    Parameters
    ----------
    data : bytes
        Whole lines.
    delimiter : str
        One that `can_be_plain`.
    width : int
        Cells of a row.
    """
    library, separator = arrow("pyarrow.csv"), delimiter.encode()
    if b"\0" in data:
        return None
    has_quotes = b'"' in data
    if has_quotes and not _are_whole_cells(data, separator):
        return None
    names = [str(i) for i in range(width)]
    text = arrow("pyarrow").string()
    try:
        table = library.read_csv(
            arrow("pyarrow").BufferReader(data),
            library.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            library.ParseOptions(delimiter=delimiter, quote_char='"' if has_quotes else False, double_quote=True, escape_char=False),
            library.ConvertOptions(column_types=dict.fromkeys(names, text), strings_can_be_null=False, quoted_strings_can_be_null=False),
        )
    except arrow("pyarrow").ArrowInvalid:  # cells too many or too few, or no UTF-8: the other reader says where
        return None
    if table.num_rows != n_lines(data):  # a line without a cell is no row to Arrow
        return None
    return [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]


def _are_whole_cells(data: bytes, separator: bytes) -> bool:
    """Whether quotes stand nowhere but around cells of one line, and doubled in such cells."""
    bytes_ = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(bytes_ == _QUOTE)
    if len(quotes) % 2:
        return False
    ends = np.flatnonzero((bytes_ == _LINE_ENDS[0]) | (bytes_ == _LINE_ENDS[1]))
    begins, closes = quotes[::2], quotes[1::2]
    if not np.array_equal(np.searchsorted(ends, begins), np.searchsorted(ends, closes)):
        return False
    between = np.zeros(256, np.bool_)
    between[[separator[0], *_LINE_ENDS]] = True
    # A quote within a cell is doubled: it closes, and the next begins at once.
    doubled = closes[:-1] + 1 == begins[1:]
    before = between[bytes_[np.maximum(begins - 1, 0)]] | (begins == 0)
    behind = between[bytes_[np.minimum(closes + 1, len(bytes_) - 1)]] | (closes == len(bytes_) - 1)
    before[1:] |= doubled
    behind[:-1] |= doubled
    return bool(before.all() and behind.all())

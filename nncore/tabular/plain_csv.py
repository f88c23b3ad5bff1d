"""Split many CSV lines into cells at once, if Python's `csv` module would certainly accept them."""

from __future__ import annotations

from nncore._core import cut
from nncore.tabular.cells import Cells
from nncore.tabular.source import n_lines


def can_be_plain(delimiter: str) -> bool:
    """Whether lines with this delimiter can be split at once."""
    return delimiter.isascii() and delimiter not in ' "\r\n\0'


def read_plain(data: bytes, delimiter: str, width: int) -> list[Cells] | None:
    """Cells of each column, or None if `parse` may refuse the lines.

    `parse` may refuse a line that has no cell or not `width` cells. It may refuse a quoted cell that holds a line's end or is followed by
    something. It may refuse a zero byte, and text that is not UTF-8.

    Parameters
    ----------
    data : bytes
        Whole lines.
    delimiter : str
        Delimiter that `can_be_plain` accepts.
    width : int
        Number of cells in a row.
    """
    if b"\0" in data or not _is_utf8(data):
        return None
    found = cut(data, delimiter, width, n_lines(data))
    if found is None:
        return None
    text, begins, ends = found
    return [Cells(text, *bounds) for bounds in zip(begins, ends, strict=True)]


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

"""Opening a file of data: what it is, told by its first bytes, and one sentence for each way in which it cannot be read."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from nncore.errors import DataError

#: The name of standard input on the command line.
STDIN = "-"

_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def source_name(path: str | Path) -> str:
    """The file as messages call it."""
    return "standard input" if str(path) == STDIN else str(path)


@contextmanager
def opened(path: str | Path) -> Iterator[io.BufferedReader]:
    """The bytes of a file, or of standard input for ``-``.

    Raises
    ------
    DataError
        If there is no such file or it cannot be read, also where reading it fails later on.
    """
    path = Path(path)
    try:
        if str(path) == STDIN:
            yield cast(io.BufferedReader, sys.stdin.buffer)  # which it is wherever there is a console or a pipe
        else:
            with path.open("rb") as file:
                yield file
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give the name of a file in it") from None
    except OSError as error:
        if error.filename is None:  # not of this file: the reader of the output may have gone away meanwhile
            raise
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def is_parquet(file: io.BufferedReader, path: str | Path) -> bool:
    """Whether the first bytes are those of Parquet. Raises `DataError` if only the name is."""
    if file.peek(4)[:4] == _PARQUET:
        return True
    if Path(path).suffix.lower() in (".parquet", ".pq") and file.peek(1):
        raise DataError(f"{path} is not a Parquet file, although its name says so; if it is CSV, call it .csv")
    return False


def text_lines(file: io.BufferedReader, source: str) -> Iterator[str]:
    """Lines of UTF-8 text with their ends; what is compressed by gzip is unpacked on the way.

    Raises
    ------
    DataError
        If it is no text, in another encoding, or cut off within a compressed file.
    """
    first = file.peek(4)[:4]
    if first[:2] == _GZIP:
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from text_lines(io.BufferedReader(unpacked), source)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise DataError(f"{source} is damaged or cut off: its compressed data ends too early; fetch it again") from None
        return
    if first == _ZIP:
        raise DataError(f"{source} is a spreadsheet or a zip archive, not a CSV file; export the sheet as CSV (UTF-8)")
    if first[:2] in _UTF_16:
        raise DataError(f"{source} is UTF-16, not UTF-8; save it as UTF-8 (iconv -f UTF-16 -t UTF-8 {source} > new.csv)")
    yield from _decoded(file, source)


def _decoded(file: BinaryIO, source: str) -> Iterator[str]:
    # Line ends are kept apart as they are: a quoted cell may hold any. A byte that is not UTF-8 becomes a lone surrogate, so
    # that the line it stands on is known.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        for number, line in enumerate(text, start=1):
            if not line.isascii():
                try:
                    line.encode()
                except UnicodeEncodeError as error:
                    raise DataError(
                        f"{source} is not UTF-8: line {number} holds the byte 0x{ord(line[error.start]) - 0xDC00:02x}; save it as UTF-8 "
                        f"(if it is Latin-1: iconv -f LATIN1 -t UTF-8 {source} > new.csv)"
                    ) from None
            yield line
    finally:
        if not file.closed:
            text.detach()  # whoever opened the file closes it

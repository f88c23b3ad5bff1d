"""Open data files and read their lines of text, with a clear error for each problem."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from nncore.arguments import path_text
from nncore.errors import DataError
from nncore.tabular.magic import HEAD, check_text, encoding_of
from nncore.tabular.passed_on import PassedOn

#: The name of standard input on the command line.
STDIN = "-"

#: Largest number of characters of a line. A longer line means another line end, or none.
MOST_CHARACTERS = 2**26

#: Bytes of lines read at a time, and the factor for files with few lines in so many bytes, since each column of a piece costs time.
PIECE, MORE, FEW_LINES = 2**20, 4, 256

_UTF8 = "utf-8-sig"


def source_name(path: str | Path) -> str:
    """Name of the file in messages."""
    return "standard input" if str(path) == STDIN else str(path)


@contextmanager
def opened(path: str | Path) -> Iterator[io.BufferedReader]:
    """Open a file for reading bytes; ``-`` is standard input.

    Raises
    ------
    DataError
        If the file does not exist or cannot be read, also if reading fails later.
    """
    path = Path(path_text("path", path))
    try:
        if str(path) == STDIN:
            yield io.BufferedReader(_Whole(cast(io.BufferedReader, sys.stdin.buffer)))  # true for consoles and pipes
        else:
            with path.open("rb") as file:
                yield file
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give the name of a file in it") from None
    except OSError as error:
        if error.filename is None:  # not about this file: the reader of the output may have closed it
            raise
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


class _Whole(PassedOn):
    """A stream, possibly a pipe, whose first bytes are returned together even if they are written slowly."""

    def readinto(self, buffer: Any) -> int:
        view, n = memoryview(buffer), 0
        while n < min(HEAD, len(view)) and (more := self.file.readinto1(view[n:])):
            n += more
        return n


class TextLines(Iterator[str]):
    """Read lines of text with their ends, one by one or many at once: UTF-8, or UTF-16 and UTF-32 with a byte-order mark.

    Parameters
    ----------
    file : BufferedReader
    source : str
        Name of the file in messages.

    Attributes
    ----------
    has_many : bool
        Whether the next lines may be read with `at_once`; not lines that were given back.

    Raises
    ------
    DataError
        Here or later: if the file is not text, has another encoding, or a line is too long.
    """

    def __init__(self, file: io.BufferedReader, source: str) -> None:
        head = file.peek(HEAD)[:HEAD]
        check_text(head, source)
        self._file, self._source, self._encoding = file, source, encoding_of(head)
        self._carried, self._is_at_end = b"", False
        self._n_lines = 0  # up to the end of the current piece
        self._size, self._n_bytes, self._n_read = PIECE, _size(file), 0
        if self._encoding == _UTF8:
            file.read(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
            self._take(self._read())
            self._lines = self._by_pieces()
        else:
            self.has_many, self._lines = False, self._decoded()

    def __iter__(self) -> Iterator[str]:
        return self._lines  # the list itself, since each step takes one line

    def __next__(self) -> str:
        return next(self._lines)

    def _by_pieces(self) -> Iterator[str]:
        piece: bytes | None = b""
        while piece is not None:
            text = self._text
            if self._is_right:
                yield from text
            else:
                yield from self._checked(text, self._n_before)
            if self._text is text:  # nothing was given back in between
                piece = self._read() or None
                self._take(piece or b"")

    def _take(self, piece: bytes) -> None:
        """Prepare lines of a piece to be returned one by one. Lines of a valid piece need no check."""
        try:
            text, self._is_right = piece.decode(), len(piece) <= MOST_CHARACTERS
        except UnicodeDecodeError:
            # A byte that is not UTF-8 becomes a lone surrogate, so that its line is known.
            text, self._is_right = piece.decode("utf-8", "surrogateescape"), False
        # Line ends are not converted: a quoted cell may contain any.
        self._text, self.has_many = io.StringIO(text, newline=""), True
        self._n_before = self._n_lines
        self._n_lines += n_lines(piece)

    def _checked(self, lines: Iterable[str], n_before: int = 0) -> Iterator[str]:
        for number, line in enumerate(lines, n_before + 1):
            if len(line) > MOST_CHARACTERS:
                raise DataError(
                    f"{self._source}, line {number} has more than {MOST_CHARACTERS} characters; give a file with one row in each line"
                )
            try:
                line.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{self._source} is not UTF-8: line {number} holds the byte 0x{ord(line[error.start]) - 0xDC00:02x}; save it as UTF-8 "
                    f"(if it is Latin-1: iconv -f LATIN1 -t UTF-8 {self._source} > new.csv)"
                ) from None
            yield line

    def _decoded(self) -> Iterator[str]:
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        try:
            yield from self._checked(iter(partial(text.readline, MOST_CHARACTERS + 1), ""))
        except UnicodeDecodeError as error:
            what = f"it begins as {self._encoding.upper()}, but the rest is not ({error.reason})"
            raise DataError(f"{self._source} is damaged: {what}; save it as UTF-8") from None
        finally:
            if not self._file.closed:
                text.detach()  # the caller closes the file

    @property
    def share_read(self) -> float:
        """Fraction of the bytes that has been read; 1 if their number is unknown."""
        return min(1.0, self._n_read / self._n_bytes) if self._n_bytes else 1.0

    # ---- many at once -------------------------------------------------------------------------------------------------------

    def at_once(self) -> bytes:
        """The next lines, many at once, in UTF-8. Empty at the end."""
        lines = self._text.read().encode("utf-8", "surrogateescape")
        if not lines and (lines := self._read()):
            self._n_lines += n_lines(lines)
        return lines

    def give_back(self, lines: bytes) -> None:
        """Return lines from `at_once`, so that they are read one by one."""
        self._n_lines -= n_lines(lines)
        self._take(lines)
        self.has_many = False

    def _read(self) -> bytes:
        """The next complete lines, many at once. Data longer than a line may be incomplete."""
        while not self._is_at_end:
            piece = self._file.read(self._size)
            self._n_read += len(piece)
            self._is_at_end = len(piece) < self._size
            self._size = PIECE * (MORE if piece.count(b"\n") < FEW_LINES else 1)
            self._carried += piece
            # A carriage return at the end may be half of a line end.
            end = max(self._carried.rfind(b"\n"), self._carried.rfind(b"\r", 0, len(self._carried) - 1)) + 1
            if end and not self._is_at_end:
                lines, self._carried = self._carried[:end], self._carried[end:]
                return lines
            if len(self._carried) > 4 * MOST_CHARACTERS:
                break
        lines, self._carried = self._carried, b""
        return lines


def _size(file: io.BufferedReader) -> int:
    """Size of a file in bytes; 0 if unknown, for compressed files and pipes."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0


def n_lines(data: bytes) -> int:
    """Number of lines. The last one needs no line end."""
    returns = data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0
    return data.count(b"\n") + returns + (data[-1:] not in (b"\n", b"\r", b""))

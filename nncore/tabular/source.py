"""Opening a file of data, and its lines of text; one sentence for each way in which it cannot be read."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from nncore.arguments import path_text
from nncore.errors import DataError
from nncore.tabular.magic import HEAD, check_text, encoding_of
from nncore.tabular.passed_on import PassedOn

#: The name of standard input on the command line.
STDIN = "-"

#: Characters of a line. A longer one has another end of lines than is thought, or none.
MOST_CHARACTERS = 2**26


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
    path = Path(path_text("path", path))
    try:
        if str(path) == STDIN:
            yield io.BufferedReader(_Whole(cast(io.BufferedReader, sys.stdin.buffer)))  # which it is wherever there is a console or a pipe
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


class _Whole(PassedOn):
    """A stream that may be a pipe, whose first bytes come together however slowly they are written."""

    def readinto(self, buffer: Any) -> int:
        view, n = memoryview(buffer), 0
        while n < min(HEAD, len(view)) and (more := self.file.readinto1(view[n:])):
            n += more
        return n


def text_lines(file: io.BufferedReader, source: str) -> Iterator[str]:
    """Lines of text with their ends: UTF-8, or UTF-16 and UTF-32 with a byte-order mark.

    Raises
    ------
    DataError
        If it is no text, in another encoding, or has a line without end.
    """
    head = file.peek(HEAD)[:HEAD]
    check_text(head, source)
    encoding = encoding_of(head)
    for number, line in enumerate(_decoded(file, source, encoding), start=1):
        if len(line) > MOST_CHARACTERS:
            raise DataError(f"{source}, line {number} has more than {MOST_CHARACTERS} characters; give a file with one row in each line")
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{source} is not UTF-8: line {number} holds the byte 0x{ord(line[error.start]) - 0xDC00:02x}; save it as UTF-8 "
                    f"(if it is Latin-1: iconv -f LATIN1 -t UTF-8 {source} > new.csv)"
                ) from None
        yield line


def _decoded(file: BinaryIO, source: str, encoding: str) -> Iterator[str]:
    # Line ends are kept apart as they are: a quoted cell may hold any. A byte that is not UTF-8 becomes a lone surrogate, so
    # that the line it stands on is known.
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    try:
        yield from iter(partial(text.readline, MOST_CHARACTERS + 1), "")
    except UnicodeDecodeError as error:
        what = f"it begins as {encoding.upper()} and does not go on so ({error.reason})"
        raise DataError(f"{source} is damaged: {what}; save it as UTF-8") from None
    finally:
        if not file.closed:
            text.detach()  # whoever opened the file closes it

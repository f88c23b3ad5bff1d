"""Print text at a terminal. Nothing else in this package prints, so that names in files cannot move the cursor or hide lines."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

#: Column where the text of a labelled paragraph begins.
INDENT = 12

#: Control characters, marks that change the writing direction, line and page ends, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_UNPRINTABLE_IN_LINES = re.compile(_UNPRINTABLE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


#: Largest lengths of a word and of a text, since a cell may have a million letters.
_LONG = re.compile(r"\S{401,}")
_MOST_CHARACTERS = 4000


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with ``\x1b`` for an escape character, and so on; with `lines`, line ends are kept."""
    return (_UNPRINTABLE_IN_LINES if lines else _UNPRINTABLE).sub(lambda found: repr(found[0])[1:-1], text)


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print one or several lines, each made by `labelled` or `table`, or without any text from users."""
    file = sys.stderr if to_stderr else sys.stdout
    if file is not None:  # None in a program without a console
        print(printable(text, lines=True), file=file, flush=True)


def notice(text: str) -> None:
    """Print one line on standard error."""
    say(f"nncore: {_shortened(printable(text))}", to_stderr=True)


def _shortened(text: str) -> str:
    """Shorten very long words and texts."""
    text = _LONG.sub(lambda found: f"{found[0][:100]}…", text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS // 2]} … {text[-_MOST_CHARACTERS // 4 :]}"


def json_text(value: Any, **options: Any) -> str:
    r"""JSON in which control characters are written as ``\u001b``."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return _UNPRINTABLE_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def standard_output() -> TextIO:
    """Standard output for data: unchanged for a file or pipe, `printable` text at a terminal."""
    return cast(TextIO, _Terminal(sys.stdout)) if sys.stdout.isatty() else sys.stdout


class _Terminal:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(printable(text, lines=True))

    def flush(self) -> None:
        self.stream.flush()


@contextmanager
def changing_line() -> Iterator[Callable[[str], None]]:
    """Show progress: in one changing line at a terminal, otherwise in separate lines."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield notice
        return
    clear = "\r\x1b[K"

    def report(text: str) -> None:
        print(f"{clear}nncore: {printable(text)} …", end="", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        print(end=clear, file=sys.stderr, flush=True)


def labelled(label: str, text: str) -> str:
    """``label      text``, wrapped to the terminal with the text in a column of its own."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    blank = " " * INDENT
    kept = _shortened(printable(text)).replace(" %", "\N{NO-BREAK SPACE}%")  # keep a number and its unit on one line
    lines = textwrap.wrap(kept, max(width - INDENT, 40), break_on_hyphens=False, break_long_words=False)
    return f"{printable(label):<{INDENT - 1}} {f'{chr(10)}{blank}'.join(lines)}".rstrip().replace("\N{NO-BREAK SPACE}%", " %")


def table(rows: list[list[str]]) -> str:
    """Rows of cells in columns; the first row is the header."""
    rows = [list(map(printable, row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def significant(value: float) -> str:
    """Format with five significant digits, without an exponent for usual magnitudes: ``117043``, ``0.0012346``."""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.5g}"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"

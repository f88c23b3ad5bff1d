"""Text for a person at a terminal."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap

#: Column at which the text of a labelled paragraph begins.
INDENT = 12

#: Control characters, marks that turn the direction of writing round, ends of lines and pages, halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_UNPRINTABLE_IN_LINES = re.compile(_UNPRINTABLE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with ``\x1b`` for an escape character, and so on; with `lines`, ends of lines stay what they are."""
    return (_UNPRINTABLE_IN_LINES if lines else _UNPRINTABLE).sub(lambda found: repr(found[0])[1:-1], text)


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """One line or several, of which each was made by `labelled` or `table` or holds nothing that a user has written."""
    file = sys.stderr if to_stderr else sys.stdout
    if file is not None:  # a program without a console has none
        print(printable(text, lines=True), file=file, flush=True)


def notice(text: str) -> None:
    """One line on standard error."""
    if sys.stderr is not None:  # a program without a console has none
        print(f"nncore: {text}", file=sys.stderr, flush=True)


def labelled(label: str, text: str) -> str:
    """``label      text``, wrapped to the terminal with the text in a column of its own."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    blank = " " * INDENT
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")  # a number is not parted from its unit
    lines = textwrap.wrap(kept, max(width - INDENT, 40), break_on_hyphens=False, break_long_words=False)
    return f"{label:<{INDENT - 1}} {f'{chr(10)}{blank}'.join(lines)}".rstrip().replace("\N{NO-BREAK SPACE}%", " %")


def table(rows: list[list[str]]) -> str:
    """Rows of cells in columns; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def significant(value: float) -> str:
    """Five digits that count, without an exponent where a person would write none: ``117043``, ``0.0012346``."""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.5g}"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"

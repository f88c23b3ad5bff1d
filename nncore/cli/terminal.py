"""Text for a person at a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

#: Column at which the text of a labelled paragraph begins.
INDENT = 12


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

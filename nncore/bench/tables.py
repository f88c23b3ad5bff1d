"""Cells as text: one table, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nncore.bench.limit import wanted_fraction
from nncore.bench.results import Cell, Line, peers_of
from nncore.bench.summary import percent
from nncore.configuration import require
from nncore.errors import MissingExtraError


@dataclass(frozen=True)
class Entry:
    """A text, and whether it is bad news."""

    text: str
    bad: bool = False


def entries(cells: list[Cell], *, judged: bool = False) -> list[list[Entry]]:
    """A header and a row a cell; times in microseconds.

    With `judged`, one thread below `wanted_fraction` is bad.
    """
    peers = peers_of(cells)
    rows = [[Entry(text) for text in ("net", "batch", "threads", "limit", "nncore", "of limit", *peers)]]
    for cell in cells:
        case = cell.case
        rows.append(
            [
                Entry(case.net),
                Entry(str(case.batch)),
                Entry(str(case.threads)),
                Entry(microseconds(cell.limit)),
                Entry(microseconds(cell.seconds["nncore"])),
                Entry(percent(cell.fraction), judged and case.threads == 1 and cell.fraction < wanted_fraction(case, cell.limit)),
                *(peer_entry(cell, peer, microseconds) for peer in peers),
            ]
        )
    return rows


def peer_entry(cell: Cell | Line, peer: str, text: Callable[[float], str]) -> Entry:
    """A peer's seconds in words, and how many times as fast nncore is; bad if it is slower."""
    if peer not in cell.seconds:
        return Entry("–")
    return Entry(f"{text(cell.seconds[peer])} ({times(cell.ratio(peer))})", cell.ratio(peer) < 1)


def microseconds(seconds: float) -> str:
    """Three digits, and all of those before the point: ``"0.287"``, ``"12.9"``, ``"73456"``."""
    value = 1e6 * seconds
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """Three digits and a unit: ``"12.9 µs"``, ``"4.56 ms"``, ``"1.23 s"``"""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if abs(factor * seconds) < 999.5:
            return f"{factor * seconds:.3g} {unit}"
    return f"{seconds:.3g} s"


def times(ratio: float) -> str:
    """``"1.23×"``, ``"12.3×"``, ``"123×"``"""
    return f"{ratio:.{2 if ratio < 9.995 else 1 if ratio < 99.95 else 0}f}×"


def plain(rows: list[list[Entry]]) -> str:
    """Columns aligned to the right but the first; bad news are marked with an exclamation mark."""
    texts = [[entry.text + (" !" if entry.bad else "") for entry in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]) for row in texts
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown(rows: list[list[Entry]]) -> str:
    """A table of GitHub's dialect; bad news are bold."""
    texts = [[f"**{entry.text}**" if entry.bad else entry.text for entry in row] for row in rows]
    ruler = ["---", *("---:" for _ in texts[0][1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [texts[0], ruler, *texts[1:]])


def show(title: str, rows: list[list[Entry]]) -> None:
    """Print a table, in colour if rich is installed and the output is a terminal."""
    try:
        _show_rich(title, rows)
    except MissingExtraError:
        print(f"\n{title}\n\n{plain(rows)}")


def _show_rich(title: str, rows: list[list[Entry]]) -> None:
    box = require("rich.box", extra="progress", purpose="the coloured table")
    console: Any = require("rich.console", extra="progress", purpose="the coloured table").Console()
    if not console.is_terminal:
        raise MissingExtraError("not a terminal", name="rich")
    table: Any = require("rich.table", extra="progress", purpose="the coloured table").Table(title=title, box=box.SIMPLE_HEAD)
    for index, entry in enumerate(rows[0]):
        table.add_column(entry.text, justify="left" if index == 0 else "right")
    for row, following in zip(rows[1:], [*rows[2:], None], strict=True):
        ends = following is not None and following[0].text != row[0].text
        table.add_row(*(f"[bold red]{entry.text}[/]" if entry.bad else entry.text for entry in row), end_section=ends)
    console.print(table)

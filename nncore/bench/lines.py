"""Lines outside the grid as tables and as findings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nncore.bench import summary
from nncore.bench.results import Line, Results, peers_of
from nncore.bench.sections import SECTIONS, Section
from nncore.bench.summary import Finding, standing
from nncore.bench.tables import Entry, duration, peer_entry


def measured(results: Results) -> Iterator[tuple[str, Section, list[Line]]]:
    """Name, section and lines of each section with any, in the order of `SECTIONS`."""
    for name, section in SECTIONS.items():
        if lines := results.lines.get(name):
            yield name, section, lines


def entries(section: Section, lines: list[Line]) -> list[list[Entry]]:
    """A header and a row a line; a goal that is missed is bad, and a peer that is faster."""
    yardstick, peers = section.yardstick, peers_of(lines)
    base = [yardstick.base] if yardstick.base else []
    rows = [[Entry(text) for text in (section.title, *base, "nncore", yardstick.column, "goal", *peers)]]
    for line in lines:
        figure = yardstick.of(line)
        rows.append(
            [
                Entry(line.what),
                *(Entry("–" if line.base is None else _amount(line, line.base)) for _ in base),
                Entry(_amount(line, line.seconds["nncore"])),
                Entry("–" if figure is None else yardstick.text(figure), yardstick.misses(line)),
                Entry(yardstick.goal(line)),
                *(peer_entry(line, peer, partial(_amount, line)) for peer in peers),
            ]
        )
    return rows


def _amount(line: Line, seconds: float) -> str:
    return duration(seconds) if line.flops is None else f"{line.flops / seconds / 1e9:.3g} GFLOP/s"


def findings(results: Results) -> Iterator[Finding]:
    """Text lines of a run: of the grid, of each section by name, and of the rest."""
    yield from summary.findings(results)
    for name, section, lines in measured(results):
        parts = [*_goals(section, lines), *([standing(lines, lambda line: line.what)] if peers_of(lines) else [])]
        if parts:
            yield Finding(name, "; ".join(text for text, _ in parts), "; ".join(bad for _, bad in parts if bad))
    yield from summary.facts_in_words(results.facts)


def _goals(section: Section, lines: list[Line]) -> Iterator[tuple[str, str]]:
    """The number of goals reached, and the goals that are not; empty without goals."""
    yardstick = section.yardstick
    figures = [(line, figure) for line in lines if line.goal is not None and (figure := yardstick.of(line)) is not None]
    missed = [f"{line.what} {yardstick.text(figure)} (goal {yardstick.goal(line)})" for line, figure in figures if yardstick.misses(line)]
    if figures:
        yield f"{len(figures) - len(missed)} of {len(figures)} goals reached", "; ".join(f"missed: {each}" for each in missed)

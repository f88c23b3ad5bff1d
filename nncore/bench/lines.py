"""Lines outside the grid as tables and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nncore.bench.results import Line, Results, peers_of
from nncore.bench.sections import SECTIONS, Section
from nncore.bench.summary import geometric_mean
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


def sentences(results: Results) -> Iterator[tuple[str, str]]:
    """What to say of the lines, each with the section's name as its label."""
    for name, section, lines in measured(results):
        judged = [line for line in lines if line.goal is not None and section.yardstick.of(line) is not None]
        if judged:
            yield name, _goals(section, judged)
        for peer in peers_of(lines):
            ratios = {line.what: line.ratio(peer) for line in lines if peer in line.seconds}
            worst = min(ratios, key=lambda what: ratios[what])
            faster = sum(ratio > 1 for ratio in ratios.values())
            text = (
                f"{geometric_mean(ratios.values()):.2f} times as fast as {peer} (geometric mean), faster in {faster} of {len(ratios)} cases"
            )
            yield name, f"{text}; least: {ratios[worst]:.2f} times in {worst}"


def _goals(section: Section, lines: list[Line]) -> str:
    yardstick = section.yardstick
    missed = [
        f"{line.what} {yardstick.text(yardstick.of(line) or 0.0)} (goal {yardstick.goal(line)})" for line in lines if yardstick.misses(line)
    ]
    text = f"{len(lines) - len(missed)} of {len(lines)} goals reached"
    return f"{text}; missed: {', '.join(missed)}" if missed else text

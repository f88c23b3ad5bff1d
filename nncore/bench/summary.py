"""What the cells of a run amount to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nncore.bench.grid import Case
from nncore.bench.limit import wanted_fraction
from nncore.bench.results import Cell, Results, peers_of

#: Two threads are to be so many times faster than one where one core's limit is longer than this.
WANTED_SPEEDUP, LONG_SECONDS = 1.8, 1e-3


@dataclass(frozen=True)
class Comparison:
    """Ratios over several cells.

    Parameters
    ----------
    mean : float
        Geometric mean.
    n_good, n : int
        Cells with a ratio over 1, and all.
    worst : Case
        The case with the least ratio.
    least : float
    """

    mean: float
    n_good: int
    n: int
    worst: Case
    least: float


def geometric_mean(values: Iterable[float]) -> float:
    """Of positive numbers, at least one."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms))


def compare(pairs: list[tuple[Case, float]]) -> Comparison:
    """Cases with a ratio each, at least one."""
    worst, least = min(pairs, key=lambda pair: pair[1])
    ratios = [ratio for _, ratio in pairs]
    return Comparison(geometric_mean(ratios), sum(ratio > 1 for ratio in ratios), len(ratios), worst, least)


def against(cells: list[Cell], peer: str) -> Comparison:
    """nncore against one peer, in the cells that have both."""
    return compare([(cell.case, cell.ratio(peer)) for cell in cells if peer in cell.seconds])


def speedups(cells: list[Cell], threads: int) -> list[tuple[Cell, float]]:
    """Each cell of one thread whose case was also measured on `threads`, with how many times faster it was there."""
    many = {replace(cell.case, threads=1): cell for cell in cells if cell.case.threads == threads}
    alone = [cell for cell in cells if cell.case.threads == 1 and cell.case in many]
    return [(cell, cell.seconds["nncore"] / many[cell.case].seconds["nncore"]) for cell in alone]


def percent(fraction: float) -> str:
    """``"85 %"``, ``"0.3 %"``"""
    return f"{100 * fraction:.0f} %" if fraction > 0.0095 else f"{100 * fraction:.1g} %"


def with_threads(cells: list[Cell], threads: int) -> list[Cell]:
    return [cell for cell in cells if cell.case.threads == threads]


def thread_counts(cells: list[Cell]) -> list[int]:
    return sorted({cell.case.threads for cell in cells})


def sentences(results: Results) -> Iterator[tuple[str, str]]:
    """What to say of a run, each with a label."""
    for threads in thread_counts(results.training):
        cells = with_threads(results.training, threads)
        for peer in peers_of(cells):
            yield "training", f"{_counted(threads)}: {_against(cells, peer)}"
        if threads == 1:
            yield "limit", _limit(cells)
        elif pairs := speedups(results.training, threads):
            yield "threads", _speedup(pairs, threads)
    for peer in peers_of(results.prediction):
        yield "prediction", f"1 thread: {_against(results.prediction, peer)}"
    for cell in results.simplechains:
        times = ", ".join(f"{name} {1e6 * seconds:.0f} µs" for name, seconds in cell.seconds.items())
        yield "training", f"SimpleChains.jl's case, an epoch on {_counted(cell.case.threads)}: {times}"
    yield from _facts(results.facts)


def _counted(threads: int) -> str:
    return f"{threads} thread{'' if threads == 1 else 's'}"


def _against(cells: list[Cell], peer: str) -> str:
    comparison = against(cells, peer)
    return (
        f"{comparison.mean:.2f} times as fast as {peer} (geometric mean), faster in {comparison.n_good} of {comparison.n} cases; "
        f"least: {comparison.least:.2f} times in {comparison.worst.net} at {comparison.worst.batch}"
    )


def _limit(cells: list[Cell]) -> str:
    reached = compare([(cell.case, cell.fraction / wanted_fraction(cell.case, cell.limit)) for cell in cells])
    worst = next(cell for cell in cells if cell.case == reached.worst)
    mean, wanted = geometric_mean(cell.fraction for cell in cells), wanted_fraction(worst.case, worst.limit)
    return (
        f"1 thread: {percent(mean)} of the limit's speed (geometric mean); {reached.n_good} of {reached.n} cases reach what is wanted; "
        f"worst: {percent(worst.fraction)} instead of {percent(wanted)} in {worst.case.net} at {worst.case.batch}"
    )


def _speedup(pairs: list[tuple[Cell, float]], threads: int) -> str:
    comparison = compare([(cell.case, speedup) for cell, speedup in pairs])
    long = [speedup for cell, speedup in pairs if cell.limit > LONG_SECONDS]
    enough = sum(speedup >= WANTED_SPEEDUP for speedup in long)
    text = f"{threads} threads: {comparison.mean:.2f} times as fast as one (geometric mean); least: {comparison.least:.2f} times in "
    text += f"{comparison.worst.net} at {comparison.worst.batch}"
    return text + (f"; at least {WANTED_SPEEDUP} times in {enough} of {len(long)} cases whose limit is over 1 ms" if long else "")


def _facts(facts: dict[str, float]) -> Iterator[tuple[str, str]]:
    if "memory_bytes" in facts:
        yield "memory", f"fitting 1 GB of float32 adds {facts['memory_bytes'] / 1e6:.0f} MB at the peak"
    if "linearity" in facts:
        yield "linearity", f"an epoch of 1,000,000 rows takes {10 * facts['linearity']:.2f} times as long as one of 100,000"
    if "import_seconds" in facts:
        numpy, both, used = (1e3 * facts[name] for name in ("import_numpy_seconds", "import_seconds", "first_network_seconds"))
        yield "import", f"{both:.0f} ms, of which NumPy {numpy:.0f} ms; {used:.0f} ms until the first network is made"
    if "wheel_bytes" in facts:
        yield "wheel", f"{facts['wheel_bytes'] / 1e6:.2f} MB"

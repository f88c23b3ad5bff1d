"""Summary of the cells of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nncore.bench.grid import Case
from nncore.bench.limit import wanted_fraction
from nncore.bench.results import Cell, Line, Results, peers_of

#: Goal for the speed-up of two threads, and seconds: it applies to cases whose limit on one core is longer.
WANTED_SPEEDUP, LONG_SECONDS = 1.8, 1e-3


#: So many slower cases, or missed goals, are named.
N_NAMED = 4


@dataclass(frozen=True)
class Finding:
    """A sentence about a run.

    Parameters
    ----------
    label : str
        What it is about, in a word.
    text : str
    bad : str
        Its end, where something is slower than it should be.
    """

    label: str
    text: str
    bad: str = ""

    def __str__(self) -> str:
        return f"{self.text}; {self.bad}" if self.bad else self.text


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
    """Geometric mean of one or more positive numbers."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms))


def compare(pairs: list[tuple[Case, float]]) -> Comparison:
    """Cases with a ratio each, at least one."""
    worst, least = min(pairs, key=lambda pair: pair[1])
    ratios = [ratio for _, ratio in pairs]
    return Comparison(geometric_mean(ratios), sum(ratio > 1 for ratio in ratios), len(ratios), worst, least)


def standing(cells: Sequence[Cell | Line], name: Callable[[Any], str]) -> tuple[str, str]:
    """Compare nncore with all peers together, and list cells where it is slower than one. At least one cell must have a peer.

    Parameters
    ----------
    cells : sequence of Cell or Line
    name : callable
        What to call one of them.
    """
    compared = {name(cell): {peer: cell.ratio(peer) for peer in cell.seconds if peer != "nncore"} for cell in cells}
    compared = {where: ratios for where, ratios in compared.items() if ratios}
    worst = sorted((ratio, peer, where) for where, ratios in compared.items() for peer, ratio in ratios.items())
    slower = [each for each in worst if each[0] <= 1]
    n_ahead = len(compared) - len({where for _, _, where in slower})
    peers = peers_of(cells)
    means = {peer: geometric_mean(ratios[peer] for ratios in compared.values() if peer in ratios) for peer in peers}
    every = "every other library" if len(peers) > 1 else peers[0]
    as_fast = ", ".join(f"{means[peer]:.2f} {'' if i else 'times as fast '}as {peer}" for i, peer in enumerate(peers))
    text = f"faster than {every} in {n_ahead} of {len(compared)} cases; in the geometric mean {as_fast}"
    if not slower:
        return f"{text}; least: {_ratio(worst[0])}", ""
    more = f" and {len(slower) - N_NAMED} more" if len(slower) > N_NAMED else ""
    return text, f"slower: {', '.join(map(_ratio, slower[:N_NAMED]))}{more}"


def _ratio(found: tuple[float, str, str]) -> str:
    ratio, peer, where = found
    return f"{where} ({ratio:.2f} times {peer})"


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


def findings(results: Results) -> Iterator[Finding]:
    """Text lines of the grid: nncore compared with the other libraries, then with the limits of the machine."""
    for threads in thread_counts(results.training):
        yield from _against_all("training", with_threads(results.training, threads), threads)
    yield from _against_all("prediction", results.prediction, 1)
    for threads in thread_counts(results.training):
        if threads == 1:
            yield _limit(with_threads(results.training, threads))
        elif pairs := speedups(results.training, threads):
            yield _speedup(pairs, threads)
    for cell in results.simplechains:
        times = ", ".join(f"{name} {1e6 * seconds:.0f} µs" for name, seconds in cell.seconds.items())
        yield Finding("training", f"SimpleChains.jl's case, an epoch on {counted(cell.case.threads)}: {times}")


def counted(threads: int) -> str:
    """``"1 thread"``, ``"2 threads"``"""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def _against_all(label: str, cells: list[Cell], threads: int) -> Iterator[Finding]:
    if peers_of(cells):
        text, slower = standing(cells, lambda cell: f"{cell.case.net} at {cell.case.batch}")
        yield Finding(label, f"on {counted(threads)} {text}", slower)


def _limit(cells: list[Cell]) -> Finding:
    reached = compare([(cell.case, cell.fraction / wanted_fraction(cell.case, cell.limit)) for cell in cells])
    worst = next(cell for cell in cells if cell.case == reached.worst)
    mean, wanted = geometric_mean(cell.fraction for cell in cells), wanted_fraction(worst.case, worst.limit)
    text = f"on 1 thread {percent(mean)} of the limit's speed (geometric mean); {reached.n_good} of {reached.n} cases reach what is wanted"
    short = f"least: {percent(worst.fraction)} instead of {percent(wanted)} in {worst.case.net} at {worst.case.batch}"
    return Finding("limit", text, short if reached.n_good < reached.n else "")


def _speedup(pairs: list[tuple[Cell, float]], threads: int) -> Finding:
    comparison = compare([(cell.case, speedup) for cell, speedup in pairs])
    long = [speedup for cell, speedup in pairs if cell.limit > LONG_SECONDS]
    enough = sum(speedup >= WANTED_SPEEDUP for speedup in long)
    text = f"{threads} threads are {comparison.mean:.2f} times as fast as one (geometric mean)"
    if long:
        text += f"; at least {WANTED_SPEEDUP} times in {enough} of {len(long)} cases whose limit is over 1 ms"
    least = f"least: {comparison.least:.2f} times in {comparison.worst.net} at {comparison.worst.batch}"
    return Finding("threads", text, least) if comparison.least < 1 else Finding("threads", f"{text}; {least}")


def facts_in_words(facts: dict[str, float]) -> Iterator[Finding]:
    """Text lines of `Results.facts`."""
    if "memory_bytes" in facts:
        yield Finding("memory", f"fitting 1 GB of float32 adds {facts['memory_bytes'] / 1e6:.0f} MB at the peak")
    if "linearity" in facts:
        yield Finding("linearity", f"an epoch of 1,000,000 rows takes {10 * facts['linearity']:.2f} times as long as one of 100,000")
    if "import_seconds" in facts:
        numpy, both, used = (1e3 * facts[name] for name in ("import_numpy_seconds", "import_seconds", "first_network_seconds"))
        yield Finding("import", f"{both:.0f} ms, of which NumPy {numpy:.0f} ms; {used:.0f} ms until the first network is made")
    if "wheel_bytes" in facts:
        yield Finding("wheel", f"{facts['wheel_bytes'] / 1e6:.2f} MB")

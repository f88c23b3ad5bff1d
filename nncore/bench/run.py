"""Goes through a selection of cases; in each, nncore and its peers take turns, so that what disturbs the machine meets both."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nncore._core import native
from nncore.bench import grid, machine
from nncore.bench.grid import Case, task
from nncore.bench.limit import Rates, measure_rates, prediction_limit, training_limit
from nncore.bench.neighbour import Neighbour
from nncore.bench.peers import NNCORE, Peer
from nncore.bench.results import Cell, Line, Results
from nncore.bench.sections import SECTIONS as LINES, Question
from nncore.bench.workers import PeerError, Worker, environment, start_all
from nncore.blocks import available_memory
from nncore.errors import ParameterError

#: Sections of cells that are measured next to a busy neighbour by default.
GRID = ("training", "prediction", "simplechains")
SECTIONS = (*GRID, *LINES, "memory", "linearity", "import", "wheel")

#: Number of turns into which each library's time for a case is divided.
N_TURNS = 3

#: Data of 1 GB, for a network that itself needs little memory.
MEMORY_CASE, MEMORY_BYTES = Case((64, 16, 10), 512), 2**30
LINEARITY_CASE, LINEARITY_ROWS, LINEARITY_SECONDS = Case((16, 64, 64, 10), 128), (100_000, 1_000_000), 1.5
_IMPORT_PROGRAM = """
import time
start = time.perf_counter()
import numpy
loaded = [time.perf_counter() - start]
import nncore
loaded.append(time.perf_counter() - start)
nncore.Sequential(nncore.Dense(1))
loaded.append(time.perf_counter() - start)
print(*loaded)
"""


@dataclass(frozen=True)
class Selection:
    """Options of a measurement.

    Parameters
    ----------
    sections : sequence of str
        Some of `SECTIONS`.
    peers : sequence of Peer
    peers_python : str
        The interpreter that has the peers' libraries.
    nets, batches : sequence or None
        Networks, as tuples of widths, and batch sizes; None takes those of the section.
    threads : sequence of int
        Numbers of threads to train with.
    seconds : float
        For each library in each case.
    rate_seconds : float
        For measuring what the machine can do.
    wheel : Path, optional
        A wheel whose size is to be reported.
    busy : bool, default False
        Measure next to a busy neighbour.
    """

    sections: Sequence[str] = SECTIONS
    peers: Sequence[Peer] = ()
    peers_python: str = sys.executable
    nets: Sequence[tuple[int, ...]] | None = None
    batches: Sequence[int] | None = None
    threads: Sequence[int] = (1, 2)
    seconds: float = 0.5
    rate_seconds: float = 1.0
    wheel: Path | None = None
    busy: bool = False


def measure(selection: Selection, report: Callable[[str], None]) -> Results:
    """Measure a selection.

    Parameters
    ----------
    selection : Selection
    report : callable
        Told what is measured next.

    Raises
    ------
    ParameterError
        If there is no core for a busy neighbour.
    """
    cores = machine.usable_cores()
    if selection.busy and len(cores) < 2:
        raise ParameterError("a busy neighbour needs a second core: this process may use one")
    report("what the machine can do")
    results = Results(machine.describe(), measure_rates(selection.rate_seconds), busy=selection.busy)
    with Neighbour(cores[-1]) if selection.busy else nullcontext():
        return _Run(selection, report, results).all()


class _Run:
    def __init__(self, selection: Selection, report: Callable[[str], None], results: Results) -> None:
        self.selection, self.report, self.results = selection, report, results
        self.cores = machine.usable_cores()

    def all(self) -> Results:
        for section in SECTIONS:
            if section in self.selection.sections:
                if section in LINES:
                    self._lines(section)
                else:
                    getattr(self, f"_{section}")()
        return self.results

    # ---- cells ----------------------------------------------------------------------------------------------------------------

    def _training(self) -> None:
        for threads in self._usable_threads():
            cases = self._cases(grid.NETS, grid.TRAINING_BATCHES, threads)
            self.results.training += self._cells("training", cases, training_limit, grid.n_steps)

    def _prediction(self) -> None:
        cases = self._cases(grid.PREDICTION_NETS, grid.PREDICTION_BATCHES, 1)
        self.results.prediction += self._cells("prediction", cases, prediction_limit, lambda case, limit: 1)

    def _simplechains(self) -> None:
        for threads in self._usable_threads():
            case = replace(grid.SIMPLECHAINS, threads=threads)
            self.results.simplechains += self._cells("training", [case], training_limit, lambda case, limit: 1)

    def _usable_threads(self) -> list[int]:
        usable = [threads for threads in self.selection.threads if threads <= len(self.cores)]
        for threads in set(self.selection.threads) - set(usable):
            self._remark(f"{threads} threads are not measured: this process may use {len(self.cores)} cores")
        return usable

    def _cases(self, nets: Sequence[tuple[int, ...]], batches: Sequence[int], threads: int) -> list[Case]:
        nets, batches = self.selection.nets or nets, self.selection.batches or batches
        return [Case(tuple(net), batch, threads) for net in nets for batch in batches]

    def _cells(
        self, kind: str, cases: list[Case], limit_of: Callable[[Case, Rates], float], n_batches: Callable[[Case, float], int]
    ) -> Iterator[Cell]:
        """The cases measured; all have the same number of threads."""
        with self._workers(kind, cases[0].threads) as workers:
            for number, case in enumerate(cases, 1):
                self.report(f"{kind} {number} of {len(cases)}: {case.label}")
                cell = Cell(case, limit_of(case, self.results.rates))
                question = task(kind, case, case.batch * n_batches(case, cell.limit))
                self._take_turns(case.label, cell.seconds, workers, question)
                yield cell

    def _take_turns(
        self,
        label: str,
        seconds: dict[str, float],
        workers: dict[str, Worker],
        question: dict[str, Any],
        base: Sequence[dict[str, Any]] = (),
    ) -> list[float]:
        """Put into `seconds` the best time of each library; the best of nncore's answers to each task of the base are returned."""
        failed: set[str] = set()
        bases = [float("inf")] * len(base)
        for _ in range(N_TURNS):
            for name, worker in workers.items():
                if name in failed:
                    continue
                try:
                    best = worker.measure(question, self.selection.seconds / N_TURNS)
                except PeerError as error:
                    if name == NNCORE.name:
                        raise
                    failed.add(name)
                    self._remark(f"{label}: {error}")
                else:
                    seconds[name] = min(best, seconds.get(name, best))
            for i, part in enumerate(base):
                bases[i] = min(bases[i], workers[NNCORE.name].measure(part, self.selection.seconds / N_TURNS))
        return bases

    def _lines(self, section: str) -> None:
        questions = [question for question in LINES[section].questions() if self._possible(section, question)]
        lines = self.results.lines[section] = []
        for (kind, threads), group in itertools.groupby(questions, lambda question: (question.task["kind"], question.threads)):
            with self._workers(kind, threads) as workers:
                for question in group:
                    label = f"{section}: {question.what}"
                    self.report(label)
                    line = Line(question.what, goal=question.goal, flops=question.flops)
                    tasks, weights = [part for part, _ in question.base], [weight for _, weight in question.base]
                    bases = self._take_turns(label, line.seconds, workers, question.task, tasks)
                    if bases:
                        line.base = sum(weight * base for weight, base in zip(weights, bases, strict=True))
                    lines.append(line)

    def _possible(self, section: str, question: Question) -> bool:
        missing = [name for name in question.needs if importlib.util.find_spec(name) is None]
        if missing:
            self._remark(f"{section}: {question.what} is not measured: nncore's interpreter has no {' and no '.join(missing)}")
        if question.rounds and not native.HAS_BFLOAT16:
            self._remark(f"{section}: {question.what} is not measured: this processor makes no products in bfloat16")
            return False
        if question.threads > len(self.cores):
            self._remark(f"{section}: {question.what} is not measured: this process may use {len(self.cores)} cores")
            return False
        return not missing

    @contextmanager
    def _workers(self, kind: str, threads: int, *, peers: bool = True) -> Iterator[dict[str, Worker]]:
        others = [peer for peer in self.selection.peers if kind in peer.kinds] if peers else []
        workers, problems = start_all([NNCORE, *others], self.selection.peers_python, self.cores[:threads])
        try:
            for problem in problems:
                self._remark(problem)
            if NNCORE.name not in workers:
                raise PeerError(problems[0])
            for worker in workers.values():
                self.results.versions |= worker.versions
            yield workers
        finally:
            for worker in workers.values():
                worker.close()

    def _remark(self, text: str) -> None:
        if text not in self.results.remarks:
            self.results.remarks.append(text)

    # ---- facts ----------------------------------------------------------------------------------------------------------------

    def _memory(self) -> None:
        available = available_memory()
        if available is not None and available < 3 * MEMORY_BYTES:
            self._remark(f"the memory of a 1 GB fit is not measured: {available / 2**30:.1f} GB are free, 3 are needed")
            return
        self.report("the memory of a 1 GB fit")
        rows = MEMORY_BYTES // (4 * MEMORY_CASE.widths[0])
        with self._workers("memory", 1, peers=False) as workers:
            self.results.facts["memory_bytes"] = workers[NNCORE.name].measure(task("memory", MEMORY_CASE, rows))

    def _linearity(self) -> None:
        self.report("epochs of 100,000 and of 1,000,000 rows")
        fewer, more = LINEARITY_ROWS
        best = dict.fromkeys(LINEARITY_ROWS, float("inf"))
        with self._workers("training", 1, peers=False) as workers:
            for _ in range(N_TURNS):
                for rows in LINEARITY_ROWS:
                    question = task("training", LINEARITY_CASE, rows)
                    best[rows] = min(best[rows], workers[NNCORE.name].measure(question, LINEARITY_SECONDS))
        steps = {rows: -(-rows // LINEARITY_CASE.batch) for rows in LINEARITY_ROWS}
        self.results.facts["linearity"] = best[more] * steps[more] / (best[fewer] * steps[fewer] * (more / fewer))

    def _import(self) -> None:
        self.report("import nncore")
        times = []
        for _ in range(7):
            done = subprocess.run(
                [sys.executable, "-c", _IMPORT_PROGRAM], env=environment(), capture_output=True, check=True, encoding="utf-8"
            )
            times.append(list(map(float, done.stdout.split())))
        names = ("import_numpy_seconds", "import_seconds", "first_network_seconds")
        self.results.facts |= dict(zip(names, map(min, zip(*times, strict=True)), strict=True))

    def _wheel(self) -> None:
        if self.selection.wheel is not None:
            self.results.facts["wheel_bytes"] = self.selection.wheel.stat().st_size

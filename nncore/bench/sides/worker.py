"""Times one library: ``python worker.py SIDE FLAVOUR THREADS CORES``, a JSON task a line in, a JSON answer a line out.

Runs by its path, in an interpreter that need not know nncore: the folder it lies in becomes the package ``sides``.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

#: Calls timed together take about so long: the clock's own cost and resolution vanish, and a moment without noise is still found.
LOOP_SECONDS = 0.002
#: A task's ``clock``: time that passes, or processor time, which leaves out what other processes take.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def best_of(run: Callable[[], float], seconds: float) -> float:
    """The smallest result of `run`, repeated for `seconds` and at least twice."""
    end = time.perf_counter() + seconds
    best = min(run(), run())
    while time.perf_counter() < end:
        best = min(best, run())
    return best


def call_timer(function: Callable[[Any], object], argument: Any, clock: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
    """A function that calls `function` many times and returns seconds a call."""

    def run(n_calls: int) -> float:
        start = clock()
        for _ in itertools.repeat(None, n_calls):
            function(argument)
        return (clock() - start) / n_calls

    run(3)
    n_calls = max(1, round(LOOP_SECONDS / run(1)))
    n_calls = max(1, round(LOOP_SECONDS / run(n_calls)))  # only the first call may have been slow
    return lambda: run(n_calls)


class Worker:
    """A side with the last requested case, which it keeps prepared: turns of one case follow each other."""

    def __init__(self, side: Any) -> None:
        self.side = side
        self.prepared: tuple[dict[str, Any], Callable[[], float]] | None = None

    def answer(self, task: dict[str, Any], seconds: float) -> float:
        """Best time of the runs that fit into `seconds`, or the result of a task that measures something else."""
        if self.prepared is None or self.prepared[0] != task:
            self.prepared = None  # frees the memory of the last one first
            made = getattr(self.side, task["kind"])(task)
            if isinstance(made, (int, float)):
                return float(made)
            if callable(made):
                run = made
            else:
                function, argument = made
                run = call_timer(function, argument, CLOCKS[task.get("clock", "wall")])
            run()  # compiles, warms up
            self.prepared = task, run
        return best_of(self.prepared[1], seconds)


def load_side(name: str) -> Any:
    """The class ``Side`` of a side's module."""
    folder = Path(__file__).parent
    if sys.path and sys.path[0] == str(folder):
        del sys.path[0]  # or `data` and others would hide modules of the same name
    spec = spec_from_file_location("sides", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    sys.modules["sides"] = module_from_spec(spec)
    return importlib.import_module(f"sides.{name}_side").Side


def main() -> int:
    name, flavour, n_threads, cores = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, cores.split(",")))

    def reply(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    try:
        side = load_side(name)(int(n_threads), flavour)
        reply(versions=side.versions)
    except ImportError as error:
        reply(missing=str(error))
        return 1
    worker = Worker(side)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply(value=worker.answer(request["task"], request["seconds"]))
        except Exception as error:  # one case that a library cannot do must not end the others
            reply(error=f"{type(error).__name__}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Work of a fit or an evaluation for the core. The caller decides where and when to do it, and then continues the generator."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from nncore._core import PYTHON_RAISED, Epochs, Failure, Program, Run, Turn
from nncore.errors import CollectiveError
from nncore.network.failures import explain, explanation
from nncore.network.processes import Processes
from nncore.program import ProgramSpec

R = TypeVar("R")


@dataclass(slots=True)
class Work:
    """One call of a program. The thread that has the turn of the network runs it, and sets `error` and `seconds`.

    Attributes
    ----------
    program : Program
    method : {"train", "evaluate", "predict"}
    arguments : tuple
        All arguments before the number of threads and those that follow here.
    n_threads : int
        Number of threads of the fit. Results are the same for any other number.
    epochs : Epochs or None
        For "train": further epochs.
    processes : Processes or None
        Processes that share the work.
    error : BaseException or None
        What ended it early.
    seconds : float
        Time that it took, without waiting.
    """

    program: Program[ProgramSpec]
    method: Literal["train", "evaluate", "predict"]
    arguments: tuple[Any, ...]
    n_threads: int
    epochs: Epochs | None = None
    processes: Processes | None = None
    error: BaseException | None = field(default=None, init=False)
    seconds: float = field(default=0.0, init=False)

    def run(self) -> None:
        """Run it in this thread, which has the turn, and its team. Errors are stored for the fit, which handles them."""
        began = time.perf_counter()
        try:
            getattr(self.program, self.method)(*self.arguments, self.n_threads, **self._others())
        except BaseException as error:
            self.error = error
        self.seconds = time.perf_counter() - began

    def _others(self) -> dict[str, Any]:
        others: dict[str, Any] = {} if self.epochs is None else {"epochs": self.epochs}
        return others if self.processes is None else {**others, "ranks": self.processes.core}

    def begin(self) -> Run | None:
        """Prepare it for a crew, which runs it without Python, followed by `end`. None if only `run` can, or after an error."""
        if self.method == "predict" or self.program.runs_python:
            return None
        begin: Callable[..., Run] = self.program.begin_train if self.method == "train" else self.program.begin_evaluate
        try:
            return begin(*self.arguments, self.n_threads, **self._others())
        except BaseException as error:
            self.error = error
            return None

    def end(self, run: Run) -> None:
        """Called by the thread that began it, once it is done."""
        try:
            run.end()
        except BaseException as error:
            self.error = error
        self.seconds = run.seconds

    def check(self) -> None:
        """Raise the error that ended it early, if any; a `Failure` of the core names the place in the network."""
        if self.processes is not None and self.error is not None:
            self._check_together(self.processes, self.error)
        if isinstance(self.error, Failure):
            raise explain(self.program, self.error) from None
        if self.error is not None:
            raise self.error

    def _check_together(self, processes: Processes, error: BaseException) -> None:
        """Raise in all processes what stops a run in one, unless they have lost contact."""
        if isinstance(error, CollectiveError) or not isinstance(error, Exception):
            return
        if isinstance(error, Failure) and error.status != PYTHON_RAISED:
            raise processes.explained(*explanation(self.program, error)) from None
        processes.check(None if isinstance(error, Failure) else error)


#: A generator that yields work, is resumed when it is done, and returns a result.
Turns = Generator[Work, None, R]


def drive(turns: Turns[R]) -> R:
    """Run everything in this thread. Exceptions between two pieces of work, such as Ctrl-C, are thrown into `turns`."""
    while True:
        try:
            work = next(turns)
            work.run()
        except StopIteration as end:
            return end.value
        except KeyboardInterrupt as interrupt:
            try:
                turns.throw(interrupt)
            except StopIteration as end:
                return end.value


def while_others_may(turn: Turn, blocks: Iterator[R]) -> Generator[R, None, None]:
    """Yield blocks that another thread reads. Other threads, such as the source, may use the network during waits."""
    try:
        while True:
            with turn.pause():
                block = next(blocks, None)
            if block is None:
                return
            yield block
    finally:
        if (close := getattr(blocks, "close", None)) is not None:
            close()

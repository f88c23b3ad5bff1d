"""What a fit or an evaluation lets the core do next. Whoever drives it does the work where and when it likes, and then goes on with it."""

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
    """One call of a program. Whoever has the turn of the network has it done, and sets `error` and `seconds`.

    Attributes
    ----------
    program : Program
    method : {"train", "evaluate", "predict"}
    arguments : tuple
        All but the number of threads, which comes last, and what follows here.
    n_threads : int
        What the fit would use. Results are the same for any other number.
    epochs : Epochs or None
        For "train": what may follow.
    processes : Processes or None
        Those that do the same, and share it.
    error : BaseException or None
        What ended it early.
    seconds : float
        How long it took, without any waiting.
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
        """Do it in this thread, which has the turn, and its team. What goes wrong is kept for the fit, which knows what to do about it."""
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
        """Take what it needs, so that a crew can do it without Python, and `end` after that; None if only `run` can, or it went wrong."""
        if self.method == "predict" or self.program.runs_python:
            return None
        begin: Callable[..., Run] = self.program.begin_train if self.method == "train" else self.program.begin_evaluate
        try:
            return begin(*self.arguments, self.n_threads, **self._others())
        except BaseException as error:
            self.error = error
            return None

    def end(self, run: Run) -> None:
        """By the thread that began it, once it is done."""
        try:
            run.end()
        except BaseException as error:
            self.error = error
        self.seconds = run.seconds

    def check(self) -> None:
        """Raise what ended it early, if anything did; a `Failure` of the core as an error that says where in the network it happened."""
        if self.processes is not None and self.error is not None:
            self._check_together(self.processes, self.error)
        if isinstance(self.error, Failure):
            raise explain(self.program, self.error) from None
        if self.error is not None:
            raise self.error

    def _check_together(self, processes: Processes, error: BaseException) -> None:
        """What stops a run stops it in all processes, unless they have lost each other."""
        if isinstance(error, CollectiveError) or not isinstance(error, Exception):
            return
        if isinstance(error, Failure) and error.status != PYTHON_RAISED:
            raise processes.explained(*explanation(self.program, error)) from None
        processes.check(None if isinstance(error, Failure) else error)


#: What yields work, is resumed once that is done, and returns a result in the end.
Turns = Generator[Work, None, R]


def drive(turns: Turns[R]) -> R:
    """Run everything in this thread. `turns` hears of what is raised between two pieces of work, as Ctrl-C is, and then ends."""
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
    """Blocks that are read in another thread. While that is waited for, others may use the network: the source itself may."""
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

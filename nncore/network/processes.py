"""`Processes`: the processes that fit a network together."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import numpy as np

from nncore import registry
from nncore._core import Program, Ranks
from nncore.contract import Collective
from nncore.errors import CollectiveError
from nncore.program import ProgramSpec
from nncore.typing import CollectiveLike

#: Prefix of a text that says what stopped a process; no JSON begins like this.
STOPPED = "!"


class Processes:
    """The processes that fit a network together. All of them call the same methods in the same order.

    The first one decides what depends on the clock or on random numbers. Only it writes files and shows progress.

    Parameters
    ----------
    collective : Collective

    Attributes
    ----------
    rank, size : int
    core : Ranks
        The object that runs of the core receive.
    """

    def __init__(self, collective: Collective) -> None:
        self.collective, self.core = collective, Ranks(collective)
        self.rank, self.size = collective.rank, collective.size
        self._agreed: BaseException | None = None  # what all have raised, or know of

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def decided(self, number: int) -> int:
        """The number of the first process, at least 0."""
        return self.core.agree(number if self.is_first else 0)

    def are_interrupted(self, is_interrupted: bool, number: int) -> tuple[bool, int]:
        """Whether a process is interrupted, and the number of the first one, at least 0 and below 2**32."""
        agreed = self.core.agree((is_interrupted << 32) + (number if self.is_first else 0))
        return agreed >> 32 > 0, agreed & 0xFFFFFFFF

    def of_first(self, value: Any) -> Any:
        """The value of the first process: anything that JSON can hold."""
        return self._brought(value if self.is_first else None)[0]

    def check(self, error: BaseException | None) -> None:
        """Exchange errors: a process with an error raises it, and the others raise an error that names the process.

        Raises
        ------
        CollectiveError
            If another process was stopped.
        """
        self._brought(None, error)

    def check_alike(self, described: Mapping[str, Any]) -> None:
        """Raise in all processes unless the values of all are equal; errors name the value."""
        brought = self._brought({name: re.sub(" at 0x[0-9a-fA-F]+", "", repr(value)) for name, value in described.items()})
        for rank, other in enumerate(brought):
            for name, value in brought[0].items():
                if other.get(name) != value:
                    self._agreed = CollectiveError(
                        f"all processes must begin the same fit, but {name} is {value:.200} in process 0 and "
                        f"{other.get(name, '')!s:.200} in process {rank}: run the same program with the same data in all of them"
                    )
                    raise self._agreed

    def explained(self, place: int, error: Exception) -> Exception:
        """The error of all processes for a failed run of the core: that of the process with the earliest place in the network.

        Each process has seen a part of the numbers, and explains the failure by it.
        """
        told = self._brought([place, type(error).__name__, str(error), getattr(error, "step", 0), getattr(error, "layer", "")])
        found = min(range(self.size), key=lambda rank: told[rank][0])
        self._agreed = error if found == self.rank else remade(*told[found][1:])
        return self._agreed

    def gather_state(self, program: Program[ProgramSpec]) -> None:
        """Gather the optimizer state and the mean of the parameters, of which every process has updated only its range."""
        spec, ends = program.spec, program.ranges(self.size)
        shares: list[list[np.ndarray]] = []
        for first, last in zip([0, *ends[:-1]], ends, strict=True):
            own = [vector[first:last] for vector in (spec.shadow, spec.average_rest) if vector is not None]
            for begin, end, number, place in spec.grouping.stretches():
                lowest, highest = max(begin, first), min(end, last)
                if spec.state and number >= 0 and lowest < highest:
                    own += list(spec.state[number].slots[:, place + lowest - begin : place + highest - begin])
            shares.append([part.view(np.uint8) for part in own])
        limits = list(accumulate(sum(part.size for part in own) for own in shares))
        buffer = np.empty(limits[-1], np.uint8)
        for rank in (self.rank, *(rank for rank in range(self.size) if rank != self.rank)):
            place = limits[rank - 1] if rank > 0 else 0
            for part in shares[rank]:
                piece = buffer[place : place + part.size]
                np.copyto(*((piece, part) if rank == self.rank else (part, piece)))
                place += part.size
            if rank == self.rank:
                self.collective.all_gather(buffer, limits)

    def _brought(self, value: Any, error: BaseException | None = None) -> list[Any]:
        """The values of all processes: anything that JSON can hold. If one was stopped before, all raise."""
        told = self._texts(json.dumps(value) if error is None else f"{STOPPED}{type(error).__name__}: {error}")
        stopped = next((rank for rank, text in enumerate(told) if text.startswith(STOPPED)), None)
        if stopped is not None:
            text = told[stopped].removeprefix(STOPPED)
            self._agreed = error or CollectiveError(f"process {stopped} of {self.size} was stopped by {text}")
            raise self._agreed
        return [json.loads(text) for text in told]

    def _texts(self, text: str) -> list[str]:
        """Those of all processes."""
        data, size = text.encode(), self.size
        lengths = np.zeros(size, np.int64)
        lengths[self.rank] = len(data)
        self.collective.all_gather(lengths.view(np.uint8), [8 * (rank + 1) for rank in range(size)])
        ends = np.cumsum(lengths).tolist()
        buffer = np.zeros(ends[-1], np.uint8)
        buffer[ends[self.rank] - len(data) : ends[self.rank]] = np.frombuffer(data, np.uint8)
        self.collective.all_gather(buffer, ends)
        return [buffer[end - length : end].tobytes().decode() for end, length in zip(ends, lengths.tolist(), strict=True)]

    def know(self, error: BaseException) -> bool:
        """Whether all processes have raised this error, or one for it."""
        return error is self._agreed

    def leave(self, error: BaseException) -> None:
        """This process ends its fit by an error. The others are ended too, unless they know of it, since they would wait forever."""
        if not self.know(error):
            self.collective.abort(f"{type(error).__name__}: {error}")


def remade(kind: str, message: str, step: int, layer: str) -> Exception:
    """The error of another process, made again here."""
    from nncore import errors  # by its name

    if kind == "NonFiniteError":
        return errors.NonFiniteError(message, step=step, layer=layer)
    return errors.PluginError(message)


@contextmanager
def together(collective: CollectiveLike | None) -> Iterator[Processes | None]:
    """The processes of a collective, or None for a single process. Inside, an error in one of them stops all."""
    chosen: Collective | None = None if collective is None else registry.resolve("collectives", collective)
    processes = None if chosen is None or chosen.size == 1 else Processes(chosen)
    try:
        yield processes
    except BaseException as error:
        if processes is not None:
            processes.leave(error)
        raise


@contextmanager
def interruptions() -> Iterator[list[bool]]:
    """Inside, Ctrl-C sets a flag, so that all processes end their fit together; only the main thread receives it."""
    pressed = [False]
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def write_down(*_: object) -> None:
        pressed[0] = True

    before = signal.signal(signal.SIGINT, write_down)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def checked(processes: Processes | None) -> Iterator[None]:
    """Inside, each process checks its arguments; none continues unless all succeed."""
    try:
        yield
    except Exception as error:
        if processes is not None and not processes.know(error):
            processes.check(error)
        raise
    if processes is not None:
        processes.check(None)

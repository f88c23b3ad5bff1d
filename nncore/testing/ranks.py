"""Simulate processes that train together by threads of one process, for tests without other libraries that always end soon."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from nncore.contract import Collective
from nncore.errors import CollectiveError

R = TypeVar("R")

#: Seconds to wait, longer than any process of a test takes.
SECONDS = 60.0


class ThreadRank(Collective):
    """The collective of a thread that simulates a process: see `on_ranks`."""

    def __init__(self, rank: int, letters: list[list[queue.SimpleQueue[bytes | None]]]) -> None:
        self._rank, self._letters = rank, letters  # sender and receiver

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def size(self) -> int:
        return len(self._letters)

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        self._letters[peer][self._rank].put(sent.tobytes())
        try:
            letter = self._letters[self._rank][peer].get(timeout=SECONDS)
        except queue.Empty:
            letter = None
        if letter is None or len(letter) != len(received):
            what = "nothing" if letter is None else f"{len(letter)} bytes in place of {len(received)}"
            raise CollectiveError(f"process {self._rank} has received {what} from process {peer}")
        received[...] = np.frombuffer(letter, np.uint8)

    def abort(self, reason: str) -> None:
        for others in self._letters:
            others[self._rank].put(None)


def on_ranks(size: int, function: Callable[[Collective], R]) -> list[R | BaseException]:
    """Call a function in `size` threads, each with the collective of a separate process.

    Threads must not share what they fit: the function makes its own networks and callbacks.

    Parameters
    ----------
    size : int
        Number of threads.
    function : callable
        Takes a collective.

    Returns
    -------
    list
        Result or exception of each thread, by rank.
    """
    letters: list[list[queue.SimpleQueue[bytes | None]]] = [[queue.SimpleQueue() for _ in range(size)] for _ in range(size)]
    results: list[Any] = [None] * size

    def run(rank: int) -> None:
        try:
            results[rank] = function(ThreadRank(rank, letters))
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,), name=f"rank {rank}") for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results

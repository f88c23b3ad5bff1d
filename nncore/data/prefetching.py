"""A thread that makes things ahead of who uses them: blocks are read and converted while the core trains on the one before."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from nncore.errors import BusyError, warn_user

T = TypeVar("T")

#: Things that are made ahead.
DEPTH = 2
#: How long a wait lasts until it looks up: on Windows a wait without end does not hear of Ctrl-C.
_LOOK_UP_SECONDS = 0.2
#: How long `close` waits for what a source is in the middle of. A thread that hangs in it does not hold up the end of the process.
CLOSE_SECONDS = 10.0


class Prefetched(Generic[T], Iterator[T]):
    """What a generator makes, made ahead by a thread; an error of it is raised where the next thing would have come.

    Where no thread can be started, as in a browser, everything is made when it is asked for.

    Parameters
    ----------
    source : generator
        Run by the thread alone, and closed by it.
    depth : int, default `DEPTH`

    Attributes
    ----------
    seconds_waited : float
        How long `__next__` has waited for the thread.
    """

    def __init__(self, source: Generator[T, None, None], depth: int = DEPTH) -> None:
        self.seconds_waited = 0.0
        self._source, self._depth, self._pid = source, depth, os.getpid()
        self._ready: deque[T] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._is_over = self._is_closed = False
        self._thread: threading.Thread | None = threading.Thread(target=self._make, name="nncore-reader", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no threads here
            self._thread = None

    def _make(self) -> None:
        """In the thread."""
        try:
            try:
                for made in self._source:
                    with self._changed:
                        self._ready.append(made)
                        self._changed.notify_all()
                        del made
                        while len(self._ready) >= self._depth and not self._is_closed:
                            self._changed.wait(_LOOK_UP_SECONDS)
                        if self._is_closed:
                            break
            finally:
                self._source.close()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def __next__(self) -> T:
        began = time.perf_counter()
        try:
            return next(self._source) if self._thread is None else self._next()
        finally:
            self.seconds_waited += time.perf_counter() - began

    def _next(self) -> T:
        if os.getpid() != self._pid:
            raise BusyError(
                "this process was forked in the middle of reading a stream, and the thread that reads stayed in the other one: fork before "
                "the fit, or start the process anew (multiprocessing's 'spawn' or 'forkserver')"
            )
        with self._changed:
            while not self._ready and not self._is_over:
                self._changed.wait(_LOOK_UP_SECONDS)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
        error, self._error = self._error, None
        if error is None:
            raise StopIteration
        raise error

    def close(self) -> None:
        """Let the thread end, after what it is in the middle of."""
        if self._thread is None:
            self._source.close()
        elif os.getpid() == self._pid:
            with self._changed:
                self._is_closed = True
                self._ready.clear()
                self._changed.notify_all()
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                warn_user(f"the source of a stream did not return for {CLOSE_SECONDS:g} s: the thread that reads it is left behind")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

"""Prefetching: a thread reads and converts the next blocks while the core trains on the current one."""

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

#: Number of items prefetched.
DEPTH = 2
#: Seconds of a wait, which is then repeated: on Windows, Ctrl-C does not interrupt a wait without a timeout.
_LOOK_UP_SECONDS = 0.2
#: Seconds that `close` waits for the source's current item. A thread that hangs there does not keep the process from ending.
CLOSE_SECONDS = 10.0


class Prefetched(Generic[T], Iterator[T]):
    """Iterate over a generator that a thread runs ahead. Its errors are raised in place of the next item.

    Where no thread can be started, as in a browser, each item is made when it is requested.

    Parameters
    ----------
    source : generator
        Only the thread runs and closes it.
    depth : int, default `DEPTH`

    Attributes
    ----------
    seconds_waited : float
        How long `__next__` has waited for the thread in total.
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
        """Produce items, in the thread."""
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
        """Stop the thread after its current item."""
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

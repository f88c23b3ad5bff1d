"""Ctrl-C and SIGTERM while a command runs: it ends whole, says so in one line, and has the exit code that shells expect."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

#: Exit codes, 128 and the number of the signal.
INTERRUPTED, TERMINATED = 130, 143


@contextmanager
def ending_at_once() -> Iterator[None]:
    """For imports, which leave nothing to tidy up, and some of which make another error of a `KeyboardInterrupt` in their midst."""
    with _handled(signal.SIGINT, signal.default_int_handler, _end_at_once):
        yield


@contextmanager
def ending_tidily() -> Iterator[None]:
    """For the work itself: SIGTERM too lets open files be removed, and Ctrl-C is a `KeyboardInterrupt`."""
    with (
        _handled(signal.SIGTERM, signal.SIG_DFL, _raise_exit),
        _handled(signal.SIGINT, _end_at_once, signal.default_int_handler),
    ):
        yield


def end_at_once_from_now_on() -> None:
    """For a process that has nothing to do but the command: Ctrl-C before it begins leaves no traceback either."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)


def ignore_from_now_on() -> None:
    """For such a process when the command is done. Python ends with the system's handler, and Ctrl-C then would replace the exit code."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is _end_at_once:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _handled(number: int, usual: Any, handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Inside, a signal is handled so, unless somebody else handles it or signals are not this thread's."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is not usual:
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, usual)


def _end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"nncore: interrupted\n")
    os._exit(INTERRUPTED)


def _raise_exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)

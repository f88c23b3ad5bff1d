"""Handle Ctrl-C and SIGTERM: a command cleans up, prints one line, and exits with the code that shells expect."""

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
    """Exit at once on a signal, for imports: they need no cleanup, and some convert a `KeyboardInterrupt` to another error."""
    with _handled(signal.SIGINT, signal.default_int_handler, _end_at_once):
        yield


@contextmanager
def ending_tidily() -> Iterator[None]:
    """Clean up on a signal, for the work itself: SIGTERM also removes unfinished files, and Ctrl-C is a `KeyboardInterrupt`."""
    with (
        _handled(signal.SIGTERM, signal.SIG_DFL, _raise_exit),
        _handled(signal.SIGINT, _end_at_once, signal.default_int_handler),
    ):
        yield


def end_at_once_from_now_on() -> None:
    """Exit at once on Ctrl-C from now on, without traceback, for a process that only runs the command."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)


def ignore_from_now_on() -> None:
    """Ignore Ctrl-C from now on, after the command is done. Otherwise Ctrl-C would replace the exit code while Python exits."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is _end_at_once:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _handled(number: int, usual: Any, handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Install a signal handler inside the ``with`` block, unless another handler is installed or this is not the main thread."""
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

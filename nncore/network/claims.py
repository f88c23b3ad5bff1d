"""Callbacks in use: one fit at a time, since a callback stores state of its fit."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nncore.contract import Callback
from nncore.errors import BusyError

#: The thread that uses each callback, and the claim itself, by the callback's identity.
_users: dict[int, tuple[int, object]] = {}


@contextmanager
def claimed(callbacks: Sequence[Callback]) -> Iterator[None]:
    """Reserve callbacks inside the ``with`` block: no other fit in any thread may use them.

    Raises
    ------
    BusyError
        If another fit uses them.
    """
    mine: list[int] = []
    try:
        for callback in {id(callback): callback for callback in callbacks}.values():
            own = threading.get_ident(), object()
            if _users.setdefault(id(callback), own) is not own:  # asks and claims in one
                raise BusyError(f"{callback!r} is in use by another fit and would mix up the two: pass each fit a callback of its own")
            mine.append(id(callback))
        yield
    finally:
        for claim in mine:
            del _users[claim]


def _after_fork() -> None:
    """Other threads, and their fits, are not in the child."""
    for claim, (thread, _) in list(_users.items()):
        if thread != threading.get_ident():
            del _users[claim]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

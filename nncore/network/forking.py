"""Networks across a fork: in the child, each is in the state after a whole step, as after an interrupted fit.

A fork copies the memory of the process at one moment, and only the thread that forks. So `os.fork` first takes the turn of every network,
which a fit releases after the current step. A network whose turn cannot be taken in time is unusable in the child.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

from nncore._core import Turn
from nncore.errors import BusyError

#: How long a fork waits for a network that is busy with something else than a fit, such as a long prediction.
FORK_SECONDS = 10.0

_SHUT = (
    "this process was forked while another thread was changing this network: fork before, or start processes with multiprocessing's "
    "'spawn' or 'forkserver'"
)


class Forked(Protocol):
    """A network, as far as a fork touches it."""

    _trainer: int

    @property
    def _turn(self) -> Turn: ...

    def _lose_fit(self) -> None:
        """The thread that fitted it is gone."""


_networks: weakref.WeakSet[Any] = weakref.WeakSet()
_taken: list[Forked] = []


def survive_forks(network: Forked) -> None:
    """Look after a network whenever the process forks."""
    _networks.add(network)


def _before() -> None:
    for network in list(_networks):
        try:
            if network._turn.take(FORK_SECONDS):
                _taken.append(network)
        except BusyError:  # this thread has the turn of another network that is waited for
            continue


def _after_in_parent() -> None:
    while _taken:
        _taken.pop()._turn.leave()


def _after_in_child() -> None:
    own, whole = threading.get_ident(), {id(network) for network in _taken}
    for network in list(_networks):
        if id(network) not in whole:
            network._turn.shut(_SHUT)
        elif network._trainer not in (0, own):
            network._lose_fit()
    _after_in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)

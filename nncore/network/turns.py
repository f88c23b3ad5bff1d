"""Thread safety of networks: decorators for the methods of a network.

The threads that share a network take turns. A fit has the turn during steps. Between two steps it gives the turn to waiting threads, and
it does not have it while its callbacks run. So a method that has the turn sees the network after a whole step.

=============  ======================================================================================================
a method that  while a thread fits the network
=============  ======================================================================================================
`reads`        waits for the end of the current step
`records`      waits for that, and for the end of running callbacks, since it stores their state
`sets`         waits as `reads` does; new values take effect at the next step
`steps`        raises `BusyError` in other threads; callbacks of the fit may call it
`rebuilds`     raises `BusyError`, also in a callback
`fits`         the same
=============  ======================================================================================================
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from nncore._core import Turn
from nncore.errors import BusyError

#: How long to wait for callbacks. One of them may itself be waiting for the thread that waits here.
CALLBACK_SECONDS = 60.0


class Shared(Protocol):
    """A network that threads share."""

    _round: Turn
    _trainer: int

    @property
    def _turn(self) -> Turn: ...


S = TypeVar("S", bound=Shared)
P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[S, P], R]


def reads(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that reads parameters, or changes only what no other thread uses."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._turn:
            return method(self, *args, **kwargs)

    return _marked(alone, "reads")


def sets(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that sets a number which a fit reads before each step."""
    return _marked(reads(method), "sets")


def records(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that reads everything, including the state of callbacks."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with at_rest(self):
            return method(self, *args, **kwargs)

    return _marked(alone, "records")


def steps(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that does a part of a step."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._turn:
            if self._trainer not in (0, threading.get_ident()):
                raise _busy(method.__name__)
            return method(self, *args, **kwargs)

    return _marked(alone, "steps")


def rebuilds(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that changes what a fit depends on."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._turn:
            check_not_fitted(self, method.__name__)
            return method(self, *args, **kwargs)

    return _marked(alone, "rebuilds")


def writes_down(method: Method[S, P, R]) -> Method[S, P, R]:
    """For a method that reads everything `at_rest`, and does more work afterwards."""
    return _marked(method, "records")


def place_of(method: object) -> str | None:
    """Which of these decorators a method has."""
    return getattr(method, "_nncore_turn", None)


@contextmanager
def at_rest(*networks: Shared) -> Iterator[None]:
    """Inside, no step is taken and no callback of another thread's fit runs."""
    with ExitStack() as stack:
        for network in networks:
            if not network._round.take(CALLBACK_SECONDS):
                raise BusyError(
                    f"a callback of this network's fit has been running for {CALLBACK_SECONDS:g} s: save or copy the network in the "
                    "callback itself, not in a thread that the callback waits for"
                )
            stack.callback(network._round.leave)
        for network in sorted(networks, key=id):  # all threads take turns in one order
            stack.enter_context(network._turn)
        yield


def fits(method: Method[S, P, R]) -> Method[S, P, R]:
    """For the fit itself. A network has one fit at a time: the steps of two would mix."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._turn:
            check_not_fitted(self, method.__name__)
            self._trainer = threading.get_ident()
        try:
            return method(self, *args, **kwargs)
        finally:
            self._trainer = 0

    return _marked(alone, "fits")


@contextmanager
def fitting(networks: Sequence[Shared], what: str) -> Iterator[None]:
    """Inside, this thread fits all of these networks, and no other fit of them can begin."""
    begun: list[Shared] = []
    try:
        for network in networks:
            with network._turn:
                check_not_fitted(network, what)
                network._trainer = threading.get_ident()
            begun.append(network)
        yield
    finally:
        for network in begun:
            network._trainer = 0


def check_not_fitted(network: Shared, what: str) -> None:
    """Raise `BusyError` while a thread fits the network."""
    if network._trainer:
        raise _busy(what)


def _busy(what: str) -> BusyError:
    return BusyError(
        f"{what}: this network is being fitted by another call: wait for its end, or use a copy of the network (copy.deepcopy)"
    )


def _marked(method: Method[S, P, R], place: str) -> Method[S, P, R]:
    method._nncore_turn = place  # type: ignore[attr-defined]
    return method

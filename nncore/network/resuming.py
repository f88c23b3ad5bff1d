"""What a fit leaves behind in its network if it is cut short, for one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from nncore._core import Turn
from nncore.network.remembering import Memory
from nncore.network.turns import steps


class Fit(Protocol):
    """A fit under way, as a network sees it."""

    def place(self) -> dict[str, Any] | None:
        """Where in an epoch it stands."""

    def memories(self) -> tuple[Memory, ...]:
        """What its callbacks remember."""

    @property
    def is_telling(self) -> bool:
        """Whether its callbacks are running."""


class Resumable:
    """A network as far as it knows where a fit stands."""

    _round: Turn
    _trainer: int
    _fit: Fit | None = None  # the one under way
    _place: dict[str, Any] | None = None
    _memories: tuple[Memory, ...] = ()

    @property
    def _turn(self) -> Turn:
        """Taken by the thread that uses the network."""
        raise NotImplementedError

    @property
    def place(self) -> dict[str, Any] | None:
        """Where in an epoch a fit stands, or was cut short: samples done, the loss so far, and what must be the same to go on from there.

        None between epochs. A fit with other data, batch size or sampler begins the epoch anew.
        """
        return self._place if self._fit is None else self._fit.place()

    @place.setter
    @steps
    def place(self, value: dict[str, Any] | None) -> None:
        self._place = value

    @property
    def memories(self) -> tuple[Memory, ...]:
        """What the callbacks of a fit remember that is under way, or was cut short."""
        return self._memories if self._fit is None else self._fit.memories()

    @contextmanager
    def _followed_by(self, fit: Fit) -> Iterator[None]:
        """While a fit is under way, which knows where it stands; it leaves behind what a fit that goes on needs."""
        self._fit, self._place, self._memories = fit, None, ()
        try:
            yield
        finally:
            self._fit = None

    def _leave_fit(self, place: dict[str, Any] | None, memories: tuple[Memory, ...]) -> None:
        """The fit under way is over, and was cut short: this is what one that goes on needs."""
        self._fit, self._place, self._memories = None, place, memories

    def _forget_fit(self) -> None:
        """Begin anew next time."""
        self._place, self._memories = None, ()

    def _left_behind(self) -> dict[str, Any]:
        """What a copy keeps of it, by the names of attributes."""
        return {"_place": self.place, "_memories": tuple(memory.copied() for memory in self.memories)}

"""What a fit leaves behind in its network if it is cut short, for one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from nncore.network.remembering import Memory
from nncore.words import explains_calls


class Fit(Protocol):
    """A fit under way, as a network sees it."""

    def place(self) -> dict[str, Any] | None:
        """Where in an epoch it stands."""

    def memories(self) -> tuple[Memory, ...]:
        """What its callbacks remember."""


@explains_calls
class Resumable:
    """A network as far as it knows where a fit stands."""

    _fit: Fit | None = None  # the one under way
    _place: dict[str, Any] | None = None
    _memories: tuple[Memory, ...] = ()

    @property
    def place(self) -> dict[str, Any] | None:
        """Where in an epoch a fit stands, or was cut short: samples done, the loss so far, and what must be the same to go on from there.

        None between epochs. A fit with other data, batch size or sampler begins the epoch anew.
        """
        return self._place if self._fit is None else self._fit.place()

    @place.setter
    def place(self, value: dict[str, Any] | None) -> None:
        self._place = value

    @property
    def memories(self) -> tuple[Memory, ...]:
        """What the callbacks of a fit remember that is under way, or was cut short."""
        return self._memories if self._fit is None else self._fit.memories()

    @contextmanager
    def followed_by(self, fit: Fit) -> Iterator[None]:
        """While a fit is under way, which knows where it stands; it leaves behind what a fit that goes on needs."""
        outer = self._fit  # a callback of which may begin another
        self._fit, self._place, self._memories = fit, None, ()
        try:
            yield
        finally:
            self._fit = outer

    def leave_fit(self, place: dict[str, Any] | None, memories: tuple[Memory, ...]) -> None:
        """The fit under way is over, and was cut short: this is what one that goes on needs."""
        self._fit, self._place, self._memories = None, place, memories

    def forget_fit(self) -> None:
        """Begin anew next time."""
        self._place, self._memories = None, ()

    def left_behind(self) -> dict[str, Any]:
        """What a copy keeps of it, by the names of attributes."""
        return {"_place": self.place, "_memories": tuple(memory.copied() for memory in self.memories)}

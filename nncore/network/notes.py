"""`Notes`: counters and notes of a network: how far it is trained, and the user's metadata."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from nncore._core import Turn
from nncore.arguments import whole_number
from nncore.network.turns import sets, steps
from nncore.words import ListsPublicNames


class Notes(ListsPublicNames, ABC):
    """Counters and notes of a network: a base of `Settings`.

    Each is a property, since threads that share a network set it by the rules of `turns`.
    """

    _round: Turn
    _trainer: int

    def __init__(self) -> None:
        self._n_epochs = self._schedule_begin = self._schedule_steps = self._average_begin = 0
        self._metadata: dict[str, Any] = {}
        self._encoding: dict[str, Any] | None = None

    @property
    @abstractmethod
    def _turn(self) -> Turn:
        """Taken by the thread that uses the network."""

    @property
    def n_epochs(self) -> int:
        """Number of epochs trained, over all fits."""
        return self._n_epochs

    @n_epochs.setter
    @steps
    def n_epochs(self, value: int) -> None:
        self._n_epochs = whole_number("n_epochs", value, 0)

    @property
    def schedule_begin(self) -> int:
        """The value of `n_steps` at which the step of the schedules is 0."""
        return self._schedule_begin

    @schedule_begin.setter
    @steps
    def schedule_begin(self, value: int) -> None:
        self._schedule_begin = whole_number("schedule_begin", value, 0)

    @property
    def schedule_steps(self) -> int:
        """Number of steps that the schedules span."""
        return self._schedule_steps

    @schedule_steps.setter
    @steps
    def schedule_steps(self, value: int) -> None:
        self._schedule_steps = whole_number("schedule_steps", value, 0)

    @property
    def average_begin(self) -> int:
        """Number of steps, or of epochs, before the first averaged parameters."""
        return self._average_begin

    @average_begin.setter
    @steps
    def average_begin(self, value: int) -> None:
        self._average_begin = whole_number("average_begin", value, 0)

    @property
    def metadata(self) -> dict[str, Any]:
        """Your notes: anything JSON can hold. They are saved with the network."""
        return self._metadata

    @metadata.setter
    @sets
    def metadata(self, value: dict[str, Any]) -> None:
        self._metadata = value

    @property
    def encoding(self) -> dict[str, Any] | None:
        """How the columns and the target of a table become numbers, as ``nncore train`` writes it. It is saved with the network."""
        return self._encoding

    @encoding.setter
    @sets
    def encoding(self, value: dict[str, Any] | None) -> None:
        self._encoding = value

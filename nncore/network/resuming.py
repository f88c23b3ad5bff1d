"""What an interrupted fit stores in its network, and whether another fit may resume from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from nncore._core import Turn
from nncore.arguments import shown
from nncore.contract import Transform
from nncore.data import Dataset, StreamedDataset, StreamVisits, Visits
from nncore.errors import ParameterError, ResumptionWarning, warn_user
from nncore.network.plain import is_finite, is_size, is_state
from nncore.network.remembering import Memory
from nncore.network.turns import steps
from nncore.words import explains_calls

#: Descriptions of values that mean nothing to people.
_MEANT = {"data": "the data have other values, targets or sample weights", "seed": "rng begins another stream (leave it out to go on)"}

#: Fields of the position in an interrupted epoch, and a test of each.
_PLACE: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("samples", "n_steps", "n_epochs", "seed"), is_size),
    **dict.fromkeys(("n_samples", "epoch_length", "batch_size", "accumulate", "shards"), lambda v: is_size(v) and v > 0),
    **dict.fromkeys(("loss_sum", "weight_sum"), is_finite),
    "moved": is_state,
    "drop_last": lambda v: isinstance(v, bool),
    "precision": lambda v: v in ("float32", "float64", "bfloat16"),
    **dict.fromkeys(("data", "sampler", "transforms"), lambda v: isinstance(v, str)),
}


def is_place(value: Any) -> bool:
    """Whether it is a position in an interrupted epoch, or None."""
    return value is None or (
        isinstance(value, dict)
        and value.keys() == _PLACE.keys()
        and all(is_valid(value[name]) for name, is_valid in _PLACE.items())
        and _is_between_steps(**value)
    )


def _is_between_steps(*, samples: int, epoch_length: int, batch_size: int, accumulate: int, **others: Any) -> bool:
    return 0 < samples <= epoch_length and (samples % (batch_size * accumulate) == 0 or samples == epoch_length)


@dataclass(frozen=True)
class Way:
    """How a fit visits its samples: the settings that must be equal to resume within an epoch.

    Attributes
    ----------
    data : Dataset or StreamedDataset
    visits : Visits or StreamVisits
    transforms : sequence of Transform
    batch_size, accumulate : int
    drop_last : bool
    shards : int
    n_together : int
        Samples that are trained on as one: 1, or as many as there are members that do not share batches. A batch then has `batch_size`
        samples for each member.
    precision : str
        Of the factors of matrix products: ``"bfloat16"``, or the network's dtype.
    """

    data: Dataset | StreamedDataset
    visits: Visits | StreamVisits
    transforms: Sequence[Transform]
    batch_size: int
    accumulate: int
    drop_last: bool
    shards: int
    precision: str
    n_together: int = 1

    @property
    def batch_rows(self) -> int:
        """Rows of a batch in the core."""
        return self.batch_size * self.n_together

    @property
    def rounds(self) -> bool:
        """Whether matrix products are made in bfloat16."""
        return self.precision == "bfloat16"

    @property
    def is_sparse(self) -> bool:
        """Whether samples are rows of a sparse matrix."""
        return self.data.is_sparse

    def described(self) -> dict[str, Any]:
        """Plain values by their names in `Resumable.place` and in messages."""
        return {
            "n_samples": self.data.n_samples,
            "data": self.data.digest,
            "epoch_length": self.visits.length,
            "batch_size": self.batch_size,
            "accumulate": self.accumulate,
            "drop_last": self.drop_last,
            "shards": self.shards,
            "precision": self.precision,
            "sampler": self.visits.described(self.batch_rows * self.accumulate),
            "transforms": repr(list(self.transforms)),
        }


class Fit(Protocol):
    """A running fit, as a network sees it."""

    def place(self) -> dict[str, Any] | None:
        """Its position within an epoch."""

    def memories(self) -> tuple[Memory, ...]:
        """The state of its callbacks."""

    @property
    def is_telling(self) -> bool:
        """Whether its callbacks are running."""

    @property
    def is_spread(self) -> bool:
        """Whether each of several processes has a part of the optimizer state."""


@explains_calls
class Resumable:
    """The position of a running or interrupted fit: a base of `Network`."""

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
        """Position within an epoch of a running or interrupted fit: samples done, the loss so far, and the settings of the fit.

        None between epochs. A fit with other settings raises an error until `forget_fit` is called.
        """
        return self._place if self._fit is None else self._fit.place()

    @place.setter
    @steps
    def place(self, value: dict[str, Any] | None) -> None:
        if not is_place(value):
            raise ParameterError(f"place must be the place of another network, or None, got {shown(value)}")
        self._place = value

    @property
    def memories(self) -> tuple[Memory, ...]:
        """State of the callbacks of a running or interrupted fit."""
        return self._memories if self._fit is None else self._fit.memories()

    @contextmanager
    def _followed_by(self, fit: Fit) -> Iterator[None]:
        """Ask `fit` for position and state while it runs; it stores what a fit that resumes needs."""
        self._fit = fit
        try:
            yield
        finally:
            self._fit = None

    def _leave_fit(self, place: dict[str, Any] | None, memories: tuple[Memory, ...]) -> None:
        """Store what a fit that resumes needs: the running fit was interrupted."""
        self._fit, self._place, self._memories = None, place, memories

    @steps
    def forget_fit(self) -> None:
        """Discard the position and the callback state of an interrupted fit: the next one begins a new epoch, with any settings."""
        self._place, self._memories = None, ()

    def _left_behind(self) -> dict[str, Any]:
        """Attributes that a copy of the network keeps, by name."""
        return {"_place": self.place, "_memories": tuple(memory.copied() for memory in self.memories)}


def place_to_go_on_from(network: Any, way: Way, seed: int, changed: Mapping[str, tuple[object, object]]) -> dict[str, Any] | None:
    """The position within an epoch at which the new fit resumes, or None.

    Parameters
    ----------
    network : Network
    way : Way
        Of the new fit.
    seed : int
        Of the new fit.
    changed : mapping of str to (object, object)
        Other settings of the new fit that differ from those of the network: (old, new).

    Raises
    ------
    ParameterError
        If the new fit has other settings than the interrupted one.

    Warns
    -----
    ResumptionWarning
        If the network was trained in between, so that the epoch begins anew.
    """
    place: dict[str, Any] | None = network.place
    if place is None:
        return None
    now = way.described() | {"seed": seed}
    others = {**{name: (place[name], value) for name, value in now.items() if place[name] != value}, **changed}
    if others:
        told = "; ".join(_MEANT.get(name, f"{name} is {new!r:.200} and was {old!r:.200}") for name, (old, new) in others.items())
        raise ParameterError(
            f"the last fit was cut short in the middle of epoch {place['n_epochs'] + 1}, and this one cannot resume it: {told}. Pass the "
            f"same arguments and data, or call net.forget_fit() first to begin the epoch anew"
        )
    if (place["n_steps"], place["n_epochs"]) != (network.n_steps, network.n_epochs):
        warn_user(
            f"epoch {place['n_epochs'] + 1} was cut short and begins anew, since the network was trained in between",
            ResumptionWarning,
        )
        return None
    return place

"""Schedules of a fit: the numbers they change, and checks of their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore import registry
from nncore._core import as_c_array
from nncore.arguments import shown
from nncore.contract import Schedule, copied_deeply, with_argument
from nncore.errors import ParameterError, PluginError
from nncore.network.settings import Settings
from nncore.program import LIMITS, Knob, Knobs, Move, holder_of, slots_of
from nncore.typing import SchedulesLike

#: Number of steps whose factors are checked together.
_CHUNK = 1 << 16
#: Number of chunks of a long schedule that are checked before the fit, the last one among them.
_MOST_CHUNKS = 64
#: Largest distance from 1 of the last factor of a number that predictions use.
_NEAR = 1e-6


@dataclass(frozen=True)
class Reach:
    """The base values of a number, and the smallest and the largest factor of them."""

    values: tuple[float, ...]
    low: float
    high: float

    def covers(self, other: Reach) -> bool:
        return self.values == other.values and self.low <= other.low and other.high <= self.high

    def joined(self, other: Reach | None) -> Reach:
        """The union of both, if they have the same base values."""
        if other is None or other.values != self.values:
            return self
        return Reach(self.values, min(self.low, other.low), max(self.high, other.high))


def as_schedules(schedule: SchedulesLike | None, knobs: Knobs) -> dict[str, Schedule]:
    """Schedules by the paths of the network, from one schedule for the learning rate or a dict of several.

    Raises
    ------
    ParameterError
        If a number does not exist, or two paths name the same one.
    """
    if schedule is None:
        return {}
    if isinstance(schedule, Mapping) and "name" not in schedule:
        if not schedule or not all(isinstance(path, str) for path in schedule):
            raise ParameterError(f'schedule must be one schedule or a dict like {{"lr": "cosine", "beta1": "step"}}, got {shown(schedule)}')
        given: Mapping[str, Any] = schedule
    else:
        given = {"lr": schedule}
    found: dict[str, Schedule] = {}
    for path, one in given.items():
        canonical = knobs.find(path).path
        if canonical in found:
            raise ParameterError(f"schedule has two schedules for {canonical!r}: drop one of them")
        found[canonical] = registry.resolve("schedules", one)
    return found


def check_schedules(schedules: Mapping[str, Schedule], knobs: Knobs, first_step: int, n_steps: int) -> dict[str, Reach]:
    """Raise before a fit unless each number can change, and stays in the range of its component.

    Parameters
    ----------
    schedules : mapping of str to Schedule
    knobs : Knobs
        Those of the fit.
    first_step, n_steps : int
        First step of the schedules in this fit, and the number of steps that they span.

    Returns
    -------
    dict of str to Reach
        Checked ranges, by path.
    """
    sound: dict[str, Reach] = {}
    assert knobs.blueprint is not None, "a network is planned before it is trained"
    for path, schedule in schedules.items():
        knob = knobs.find(path)
        slots_of(knob, knobs.blueprint)
        if not any((knob.value, *knob.values)) and not (path == "weight_decay" and _groups_decay(knobs)):
            raise ParameterError(f"{path} is 0, and a schedule multiplies it: set {path} to another value as well")
        if first_step >= n_steps:
            continue
        for factors in _chunks(schedule, first_step, n_steps):
            reach = Reach(knob.values, float(factors.min()), float(factors.max())).joined(sound.get(path))
            if path not in sound or reach != sound[path]:
                check_reach(knob, schedule, reach)
            sound[path] = reach
        if knob.is_read_by_predictions and (schedule.observes or abs(float(factors[-1]) - 1) > _NEAR):
            end = "it may end anywhere" if schedule.observes else f"the last step takes {float(factors[-1]):.6g} times that"
            raise ParameterError(
                f"schedule[{path!r}]={schedule!r}: predictions use {knob.name}={knob.value:g}, and {end}: use a schedule that ends at 1, "
                'such as {"name": "warmup", "then": "constant"}'
            )
    return sound


def _groups_decay(knobs: Knobs) -> bool:
    return knobs.grouping is not None and any(group.weight_decay for group in knobs.grouping.groups)


def check_reach(knob: Knob, schedule: Schedule, reach: Reach) -> None:
    """Raise `ParameterError` if a factor takes a number out of the range of its component."""
    for base, owner in zip(knob.values, knob.owners or (None,), strict=True):
        for factor in {reach.low, reach.high}:
            try:
                if owner is not None:
                    with_argument(holder_of(owner, knob.name), knob.name, base * factor)
                elif knob.name in LIMITS and base * factor == 0:
                    raise ParameterError(f"{knob.name} would be 0, which is no limit at all")
            except ParameterError as error:
                raise ParameterError(f"schedule[{knob.path!r}]={schedule!r} makes {base * factor:g} of {base:g}: {error}") from None


def _chunks(schedule: Schedule, first_step: int, n_steps: int) -> Iterator[np.ndarray]:
    """Its factors for all later steps, in chunks, as if it observed nothing more; its state is not changed."""
    trial = copied_deeply(schedule)
    if first_step == 0:
        trial.restore({})
    chunks: Sequence[int] = range(first_step, n_steps, _CHUNK)
    if len(chunks) > _MOST_CHUNKS:  # the others are checked when they are reached
        last = n_steps - _CHUNK
        chunks = [*range(first_step, last, (last - first_step) // _MOST_CHUNKS), last]
    for first in chunks:
        yield factors_of(trial, np.arange(first, min(first + _CHUNK, n_steps)), n_steps)


def factors_of(schedule: Schedule, steps: np.ndarray, n_steps: int) -> np.ndarray:
    """The factors of some steps, checked.

    Raises
    ------
    PluginError
        If they are not what `Schedule.factor` promises.
    """
    factors = np.asarray(schedule.factor(steps, n_steps), np.float64)
    if factors.shape != steps.shape or not (np.isfinite(factors) & (factors >= 0)).all():
        raise PluginError(f"{schedule!r}.factor must return {len(steps)} finite numbers, none negative")
    return as_c_array(factors, factors.dtype)


class Moving:
    """The network's numbers under the schedules of a fit. It caches results and checks until something changes.

    Parameters
    ----------
    network : Settings
    sound : mapping of str to Reach
        What `check_schedules` found.
    """

    def __init__(self, network: Settings, sound: Mapping[str, Reach]) -> None:
        self._network = network
        self._version = -1
        self._found: dict[str, tuple[Knob, tuple[int | None, ...]]] = {}
        self._sound = dict(sound)

    def moves(self, first_step: int, n_steps: int) -> list[Move]:
        """Every scheduled number, with its factors for some steps.

        Raises
        ------
        ParameterError
            If the factors take a number out of the range of its component.
        """
        network = self._network
        if not network.schedules:
            return []
        if network.version != self._version:
            self._found, self._version = {path: self._find(path) for path in network.schedules}, network.version
        steps = np.arange(n_steps) + (first_step - network.schedule_begin)
        steps = np.minimum(steps, network.schedule_steps)  # a fit that was interrupted may take longer than was planned
        moves = []
        for path, schedule in network.schedules.items():
            knob, slots = self._found[path]
            factors = factors_of(schedule, steps, network.schedule_steps)
            reach = Reach(knob.values, float(factors.min()), float(factors.max()))
            if path not in self._sound or not self._sound[path].covers(reach):
                check_reach(knob, schedule, reach)
                self._sound[path] = reach.joined(self._sound.get(path))
            moves.append(Move(knob, slots, factors))
        return moves

    def _find(self, path: str) -> tuple[Knob, tuple[int | None, ...]]:
        knobs = self._network._knobs
        assert knobs.blueprint is not None, "a network that is trained was planned"
        knob, known = knobs.find(path), self._found.get(path)
        if known is not None and list(map(id, known[0].owners)) == list(map(id, knob.owners)):  # the number may be another, not its place
            return knob, known[1]
        return knob, slots_of(knob, knobs.blueprint)

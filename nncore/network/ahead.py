"""How many epochs a fit may hand to the core at once: the rules, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore._core import Epochs
from nncore.contract import Callback, Schedule
from nncore.program import Move

#: A run has at most so many epochs. What Python does for a run is little for each of them.
MOST_EPOCHS = 64
#: The parameters and buffers that are kept of its epochs, for callbacks, take at most so many bytes.
MOST_KEPT = 4 * 2**20
#: The orders of the epochs that are drawn for a run hold at most so many samples: 1 MB.
MOST_VISITS = 2**17


@dataclass(slots=True)
class Ended:
    """An epoch that is over, though the core has gone on with another one before Python could look.

    Attributes
    ----------
    loss_sum, weight_sum : float
    scores : dict of str to float
        By their columns of the history.
    moved : dict of str to float
        What schedules made of numbers in its last step.
    step : int
        How many steps of the network there were at its end.
    seconds : float
    copies : list of ndarray
        Of parameters and buffers, if a callback is told of it.
    """

    loss_sum: float
    weight_sum: float
    scores: dict[str, float]
    moved: dict[str, float]
    step: int
    seconds: float
    copies: list[np.ndarray]


@dataclass(slots=True)
class Reached:
    """Where a fit stands while callbacks hear of the epochs before.

    Attributes
    ----------
    epoch, n_epochs, n_rows, step : int
        The epoch under way, epochs in the life of the network, rows of the history, and steps.
    progress : list
        Of the epoch under way: samples done, weighted loss sum, weight sum.
    moved, scores : dict of str to float
        What schedules made of numbers in the last step; the scores of the epoch under way, or None.
    copies : list of ndarray
        Of parameters and buffers, if a callback is told.
    """

    epoch: int
    n_epochs: int
    n_rows: int
    step: int
    progress: list[Any]
    moved: dict[str, float]
    scores: dict[str, float] | None
    copies: list[np.ndarray]


@dataclass(slots=True)
class Handed:
    """A run that was handed to the core.

    Attributes
    ----------
    epochs : Epochs or None
    moves : sequence of Move
        With factors for all steps of the run.
    began : float
        By the clock.
    first_step : int
        The network's steps before the epoch under way.
    n_steps, step_size : int
        Steps of an epoch, and samples of a step.
    n_trained : int
        Samples of an epoch without those that are dropped.
    """

    epochs: Epochs | None
    moves: Sequence[Move]
    began: float
    first_step: int
    n_steps: int
    step_size: int
    n_trained: int

    def ended(self, scores: Sequence[dict[str, float]], epoch_began: float) -> list[Ended]:
        """The epochs that others have followed, of which the first one began at some time."""
        assert self.epochs is not None, "else there are no scores"
        found = []
        values = self.epochs.values[: self.epochs.n_before, : Epochs.n_own].tolist()
        for number, (loss_sum, weight_sum, seconds) in enumerate(values):
            steps, ended_at = (number + 1) * self.n_steps, self.began + seconds
            counts = moved_in(self.moves, steps - 1), self.first_step + steps, ended_at - epoch_began
            found.append(Ended(loss_sum, weight_sum, scores[number], *counts, [copies[number] for copies in self.epochs.copies]))
            epoch_began = ended_at
        return found


def moved_in(moves: Sequence[Move], step: int) -> dict[str, float]:
    """What schedules make of numbers in a step of a run, by the paths of these."""
    return {move.knob.path: move.knob.value * float(move.factors[step]) for move in moves}


def overrides(callback: Callback, event: str) -> bool:
    """Whether a callback does something at an event."""
    return getattr(getattr(callback, event), "__func__", None) is not getattr(Callback, event)


def is_watched(callbacks: Sequence[Callback], schedules: Iterable[Schedule]) -> bool:
    """Whether somebody in Python looks at each epoch before the next one begins, whatever comes.

    So does a schedule that goes by the history, a callback that is called between two steps by their number, and one that overrides
    `on_epoch_end` and does not say in `Callback.epochs_ahead` that it can wait. What else forces Python to look after each epoch has
    nothing to do with who watches: `Training` knows it (data that are converted block by block, parts that run in Python, two sets of
    parameters, scores that are computed in Python).
    """
    for callback in callbacks:
        if callback.pause_every is not None or (overrides(callback, "on_epoch_end") and not overrides(callback, "epochs_ahead")):
            return True
    return any(schedule.observes for schedule in schedules)


def epochs_unseen(training: Any, listeners: Sequence[Callback]) -> int:
    """How many epochs, the one under way included, may end before a callback that hears of them may change something, if all can wait."""
    return max(1, min((callback.epochs_ahead(training) for callback in listeners), default=sys.maxsize))


def epochs_affordable(n_left: int, length: int, seconds: float, epoch_seconds: float) -> int:
    """How many of the epochs that are left, of `length` samples each, may be begun in a run of so many seconds.

    `epoch_seconds` is what one took in the run before, 0 if that is not known yet.
    """
    if epoch_seconds <= 0:
        return 1
    return max(1, min(n_left, MOST_EPOCHS, MOST_VISITS // length, int(seconds / epoch_seconds) + 1))

"""How many epochs a fit may give to the core at once, and the results of these epochs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore._core import Epochs
from nncore.contract import Callback, Schedule
from nncore.program import Move

#: Largest number of epochs of a run. The work of Python for a run is then small for each epoch.
MOST_EPOCHS = 64
#: Largest number of bytes of the parameters and buffers that are kept of its epochs, for callbacks.
MOST_KEPT = 4 * 2**20
#: Largest number of samples in the orders of a run's epochs: 1 MB.
MOST_VISITS = 2**17


@dataclass(slots=True)
class Ended:
    """An epoch that ended before Python could look, since the core has begun another one.

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
        Copies of parameters and buffers, if a callback is called for the epoch.
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
    """The position of a fit while callbacks are called for earlier epochs.

    Attributes
    ----------
    epoch, n_epochs, n_rows, step : int
        The epoch under way, epochs in the life of the network, rows of the history, and steps.
    progress : list
        Of the epoch under way: samples done, weighted loss sum, weight sum.
    moved, scores : dict of str to float
        What schedules made of numbers in the last step; the scores of the epoch under way, or None.
    copies : list of ndarray
        Copies of parameters and buffers, if a callback is called.
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
    """A run that was given to the core.

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
        """The epochs that are over, and that another one has followed; `began` is the start of the first."""
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
    """Values of scheduled numbers in a step of a run, by their paths."""
    return {move.knob.path: move.knob.value * float(move.factors[step]) for move in moves}


def overrides(callback: Callback, event: str) -> bool:
    """Whether a callback does something at an event."""
    return getattr(getattr(callback, event), "__func__", None) is not getattr(Callback, event)


def is_watched(callbacks: Sequence[Callback], schedules: Iterable[Schedule]) -> bool:
    """Whether Python must look at each epoch before the next one begins, for a schedule or a callback.

    That is so for a schedule that depends on the history, a callback that is called after certain steps, and one that overrides
    `on_epoch_end` without `Callback.epochs_ahead`. `Training` knows other reasons: data that are converted block by block, parts that run
    in Python, two sets of parameters, scores that are computed in Python.
    """
    for callback in callbacks:
        if callback.pause_every is not None or (overrides(callback, "on_epoch_end") and not overrides(callback, "epochs_ahead")):
            return True
    return any(schedule.observes for schedule in schedules)


def epochs_unseen(training: Any, listeners: Sequence[Callback]) -> int:
    """Number of epochs, including the current one, before a callback may change something, if all callbacks can wait."""
    return max(1, min((callback.epochs_ahead(training) for callback in listeners), default=sys.maxsize))


def epochs_affordable(n_left: int, length: int, seconds: float, epoch_seconds: float) -> int:
    """Number of the remaining epochs, of `length` samples each, that may begin in a run of some seconds.

    `epoch_seconds` is the time of an epoch in the run before, 0 if it is not known yet.
    """
    if epoch_seconds <= 0:
        return 1
    return max(1, min(n_left, MOST_EPOCHS, MOST_VISITS // length, int(seconds / epoch_seconds) + 1))

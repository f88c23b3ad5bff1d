"""Keep the best epoch of a network, or of the average of several starts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.callbacks.early_stopping import EarlyStopping
from nncore.contract import Callback, Snapshot
from nncore.network import Sequential

#: Scores outputs for validation rows, one array for each start. Higher is better.
Score = Callable[[list[NDArray[np.floating]]], float]


class BestAlone:
    """Keep the best epoch of a single network by a column of its history, by `nncore.EarlyStopping`."""

    def __init__(self, monitor: str, patience: int, ties: str) -> None:
        self._keeper = EarlyStopping(monitor, patience, ties=ties)
        self.callbacks: list[Callback] = [self._keeper]

    is_judged = True

    @property
    def best_epoch(self) -> int:
        """The best epoch; 0 before there is one."""
        return self._keeper.best_epoch

    @property
    def best_value(self) -> float:
        """The monitored value in the best epoch."""
        return self._keeper.best_value

    def restore(self, networks: list[Sequential]) -> None:
        """Does nothing: early stopping has restored the weights."""


class BestTogether:
    """Keep the epoch in which the average of all starts scores best.

    A start that is ahead keeps a snapshot of its network for each epoch that another start has not reached. Each start stops by its own
    score, so the best epoch does not depend on which start runs faster.

    Parameters
    ----------
    n_starts : int
    score : callable
        See `Score`.
    inputs : ndarray of shape (n_rows, n_inputs)
        Inputs of the validation rows.
    patience : int
        A start stops after this many epochs without a better score of its own.
    ties : {"first", "last"}
        Which of several epochs with the best score to keep.
    sign : {-1, 1}
        Factor that converts the score to the loss or metric.

    Attributes
    ----------
    callbacks : list of Callback
        One for the fit of each start.
    best_epoch : int
        0 before there is one.
    is_judged : bool
        Whether all starts have reached some epoch.
    """

    def __init__(self, n_starts: int, score: Score, inputs: NDArray[np.floating], patience: int, ties: str, sign: int) -> None:
        self.score, self.inputs, self.patience = score, inputs, patience
        self._ties, self._sign = ties, sign
        self.callbacks: list[Callback] = [Start(self, number) for number in range(n_starts)]
        self.best_epoch, self.is_judged, self._best_score = 0, False, math.nan
        self._best: list[Snapshot] = []
        self._last = math.inf  # the first epoch at which a start has stopped
        self._waiting: dict[int, dict[int, tuple[NDArray[np.floating], Snapshot]]] = {}  # by epoch and start

    @property
    def best_value(self) -> float:
        """The loss or metric of the average in the best epoch."""
        return self._sign * self._best_score

    def arrived(self, number: int, epoch: int, outputs: NDArray[np.floating], network: Sequential, score: float) -> None:
        """Take the outputs and the own score of a start at the end of an epoch."""
        if epoch > self._last:
            return
        here = self._waiting.setdefault(epoch, {})
        here[number] = outputs, Snapshot(network)
        if len(here) < len(self.callbacks):
            return
        del self._waiting[epoch]
        self.is_judged = True
        starts = [here[other] for other in range(len(self.callbacks))]
        if len(starts) > 1:
            score = self.score([outputs for outputs, _ in starts])
        is_tied = self._ties == "last" and score == self._best_score
        if score > self._best_score or is_tied or (math.isnan(self._best_score) and not math.isnan(score)):
            self.best_epoch, self._best_score = epoch, score
            self._best = [snapshot for _, snapshot in starts]

    def ended(self, epoch: int) -> None:
        """Note that a start has stopped after this epoch."""
        self._last = min(self._last, epoch)
        self._waiting = {epoch: here for epoch, here in self._waiting.items() if epoch <= self._last}

    def restore(self, networks: list[Sequential]) -> None:
        """Restore the networks of the best epoch, if there is one. Call it after all fits."""
        for network, snapshot in zip(networks, self._best, strict=False):
            snapshot.restore(network)
        self._best = []


class Start(Callback):
    """Report the epochs of one start to `BestTogether`.

    Parameters
    ----------
    together : BestTogether
    number : int
    """

    def __init__(self, together: BestTogether, number: int) -> None:
        self._together, self._number = together, number
        self._own_best, self._since = math.nan, 0

    def epochs_ahead(self, training: Any) -> int:
        return max(1, self._together.patience - (int(training.epoch) - 1 - self._since))

    def on_epoch_end(self, training: Any) -> None:
        together, epoch = self._together, int(training.epoch)
        outputs = training.network.predict_proba(together.inputs)
        own = together.score([outputs])
        together.arrived(self._number, epoch, outputs, training.network, own)
        if own > self._own_best or (math.isnan(self._own_best) and not math.isnan(own)):
            self._own_best, self._since = own, epoch
        elif epoch - self._since >= together.patience:
            training.stop(f"its score did not improve for {together.patience} epoch{'s' * (together.patience > 1)}")

    def on_fit_end(self, training: Any) -> None:
        self._together.ended(len(training.history))

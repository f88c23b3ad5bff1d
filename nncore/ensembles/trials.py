"""A trial of a search: its parameters, trained networks and scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore.contract import History
from nncore.ensembles.ensemble_fit import EnsembleFit
from nncore.ensembles.members import Members
from nncore.network import Sequential

#: Status of a trial, in this order: running, eliminated by better trials, trained completely, ended by the time limit or Ctrl-C, or without
#: any valid score.
RUNNING, STOPPED, FINISHED, CUT_OFF, FAILED = "running", "stopped", "finished", "cut off", "failed"
STATUSES = (RUNNING, STOPPED, FINISHED, CUT_OFF, FAILED)


@dataclass
class Trial:
    """A trial of a search.

    Attributes
    ----------
    number : int
        Number from 0. Trial 0 is the unchanged recipe.
    drawn : dict of str to object
        Drawn values, by the names of the search space.
    parameters : dict of str to object
        The drawn values as arguments of the constructor.
    fit : EnsembleFit
    members : list of Members
        None after it has failed, or once it is too bad for the ensemble.
    status : str
        One of `STATUSES`.
    best_epochs : list of int
        Best epoch of each network; 0 before there is one.
    scores : list of float
        Score of each network on its validation rows at its best epoch; NaN before there is one.
    histories : list of History
    weight : int
        How often the ensemble contains it.
    """

    number: int
    drawn: dict[str, Any]
    parameters: dict[str, Any]
    fit: EnsembleFit
    members: list[Members]
    status: str = RUNNING
    best_epochs: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    weight: int = 0

    def __post_init__(self) -> None:
        n = len(self.networks)
        self.best_epochs = self.best_epochs or [0] * n
        self.scores = self.scores or [math.nan] * n
        self.histories = self.histories or [History() for _ in range(n)]

    @property
    def networks(self) -> list[Sequential]:
        """All networks, fold by fold."""
        return [network for members in self.members for network in members.networks]

    @property
    def max_iter(self) -> int:
        """Largest number of epochs."""
        return int(self.fit.recipe.max_iter)

    @property
    def score(self) -> float:
        """Mean score of its networks; NaN while one has no score, or if the trial failed."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def n_epochs(self) -> int:
        """Epochs of the longest training."""
        return max(map(len, self.histories), default=0)

    def is_over(self, network: Sequential) -> bool:
        """Whether the training of a network is over: it has had all epochs, or early stopping has ended it."""
        return network.n_epochs >= self.max_iter or (network.n_epochs > 0 and not network.memories)

    def end(self, status: str) -> None:
        """End the trial with a status, and restore the best epochs of its networks."""
        self.status = status
        self.fit.put_away(self.networks)
        if status == FAILED:
            self.members, self.best_epochs, self.scores = [], [], []

    def described(self) -> dict[str, Any]:
        """Describe the trial for users, in plain values."""
        return {
            "number": self.number,
            "params": dict(self.parameters),
            "status": self.status,
            "score": self.score,
            "n_epochs": self.n_epochs,
            "best_epochs": list(self.best_epochs),
            "weight": self.weight,
        }


def in_order(trials: Sequence[Trial], mode: str) -> list[Trial]:
    """Sort trials, best first. Of equal trials the earlier comes first; trials without a score come last."""
    sign = -1.0 if mode == "max" else 1.0
    return sorted(trials, key=lambda trial: (math.isnan(trial.score), sign * trial.score, trial.number))


def cv_results(trials: Sequence[Trial], mode: str) -> dict[str, Any]:
    """The trials in the form of scikit-learn's ``cv_results_``: columns by name. Higher is better in all score columns."""
    sign = 1.0 if mode == "max" else -1.0
    found: dict[str, Any] = {}
    for name in sorted({name for trial in trials for name in trial.drawn}):
        column = np.empty(len(trials), object)
        for trial in trials:
            column[trial.number] = trial.drawn.get(name)  # one object, also if that is a list
        found[f"param_{name}"] = np.ma.MaskedArray(column, [name not in trial.drawn for trial in trials])
    found["params"] = [dict(trial.parameters) for trial in trials]
    n_networks = max(len(trial.scores) for trial in trials)
    scores = np.full((len(trials), n_networks), math.nan)
    for trial in trials:
        scores[trial.number, : len(trial.scores)] = sign * np.array(trial.scores)
    found |= {f"split{number}_test_score": scores[:, number] for number in range(n_networks)}
    found["mean_test_score"], found["std_test_score"] = scores.mean(axis=1), scores.std(axis=1)
    ranks = np.empty(len(trials), np.int32)
    ranks[[trial.number for trial in in_order(trials, mode)]] = np.arange(1, len(trials) + 1)
    found["rank_test_score"] = ranks
    found["n_epochs"] = np.array([trial.n_epochs for trial in trials])
    found["status"] = np.array([trial.status for trial in trials])
    found["ensemble_weight"] = np.array([trial.weight for trial in trials])
    return found

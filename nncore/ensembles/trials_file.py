"""The trials file: a hyperparameter search that was interrupted continues from it.

It is a model file, with the state of the trials in the metadata of the first network. It may be malicious, so all of it is checked.
Parameters of trials are drawn again and compared, and networks must have the expected layers.
"""

from __future__ import annotations

import hashlib
import math
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from nncore.contract import History, alike
from nncore.data import SparseSamples
from nncore.ensembles.ensemble_fit import Samples
from nncore.ensembles.recipes import N_RUNGS, Recipe
from nncore.ensembles.trials import FAILED, RUNNING, STATUSES, Trial
from nncore.ensembles.tuning import Search
from nncore.errors import FileFormatError, ParameterError
from nncore.network import Sequential, load_many, save_many

#: Key in the metadata of the first network, and version of the format.
KEY, VERSION = "nncore.trials", 1


def fingerprint(*parts: Any) -> str:
    """Hash of data and arguments: arrays by their bytes, other objects by their ``repr``."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.shape} {part.dtype}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, SparseSamples):
            found.update(f"sparse {part.shape} {part.dtype}".encode())
            part.add_to(found)
        else:
            found.update(repr(part).encode())
    return found.hexdigest()


class TrialsFile:
    """The file in which a search saves its trials.

    Parameters
    ----------
    path : Path
    fingerprint : str
        Hash of the data and arguments of the search.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    @classmethod
    def of(cls, path: Path, search: Search, samples: Samples, recipe: Recipe, kind: str) -> Self:
        """The file of a search that has not begun. `kind` distinguishes it from other searches with the same recipe and data."""
        fit = search.new_fit({})
        rows = [part for fold in search.splits for part in (fold.train, fold.validation)]
        arrays = samples.matrix, samples.target, samples.weights, samples.n_train, *rows
        how = recipe, fit.loss, fit.monitor, str(fit.options.dtype), search.n_starts, search.plan.n_trials, search.plan.seed
        return cls(path, fingerprint(kind, *arrays, *how))

    def write(self, search: Search) -> None:
        """Write the current state of all trials, atomically."""
        networks = [network for trial in search.trials for network in trial.networks]
        if not networks:
            return
        first = networks[0]
        before = first.metadata
        described = {
            "version": VERSION,
            "fingerprint": self.fingerprint,
            "n_rounds": search.n_rounds,
            "trials": [_described(trial) for trial in search.trials],
        }
        first.metadata = {**before, KEY: described}
        try:
            save_many(networks, self.path)
        finally:
            first.metadata = before

    def restore(self, search: Search) -> None:
        """Continue a search from the trials in the file, if the file exists.

        Raises
        ------
        FileFormatError
            If the file has no trials, or is damaged.
        ParameterError
            If the file belongs to a search with other data or arguments.
        """
        if not self.path.exists():
            return
        networks = load_many(self.path)
        if not isinstance(networks, list) or not networks or KEY not in networks[0].metadata:
            raise FileFormatError(f"{self.path} holds no trials: choose another file as trials_file")
        described = networks[0].metadata[KEY]
        networks[0].metadata = {name: value for name, value in networks[0].metadata.items() if name != KEY}
        try:
            self._restore(search, described, networks)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            if isinstance(error, (FileFormatError, ParameterError)):
                raise
            raise FileFormatError(f"{self.path}: the description of the trials is damaged ({error!r})") from error

    def _restore(self, search: Search, described: Any, networks: list[Sequential]) -> None:
        self._need(isinstance(described, dict) and described["version"] == VERSION, f"this nncore reads version {VERSION}")
        if described["fingerprint"] != self.fingerprint:
            raise ParameterError(
                f"trials_file: {self.path} belongs to a search with other data or arguments: use the same ones, name another file, or "
                "delete this one to begin anew"
            )
        self._need(type(described["n_rounds"]) is int and 0 <= described["n_rounds"] <= N_RUNGS, "n_rounds is not a number of rounds")
        ends = {0}
        for numbers in search.plan.brackets():
            ends.add(numbers.stop)
            if numbers.stop >= len(described["trials"]):
                break
        self._need(len(described["trials"]) in ends, "its trials do not fill whole brackets")
        left = list(networks)
        for number, one in enumerate(described["trials"]):
            trial = search.new_trial(number)
            self._need(one["parameters"] == repr(trial.parameters), f"trial {number} has other parameters")
            left = self._take(trial, one, left)
            search.trials.append(trial)
        self._need(not left, "it has networks that belong to no trial")
        search.n_rounds = described["n_rounds"]

    def _take(self, trial: Trial, one: Any, left: list[Sequential]) -> list[Sequential]:
        """Restore a trial from the file. Returns the networks that remain for other trials."""
        self._need(one["status"] in STATUSES, f"trial {trial.number} has an unknown status")
        if one["status"] == FAILED:
            trial.end(FAILED)
            return left
        if not self._flag(one["has_networks"]):
            trial.fit.put_away(trial.networks)
            trial.members = []
        n = len(one["scores"])
        for members in trial.members:
            own, left = left[: len(members.networks)], left[len(members.networks) :]
            self._need(len(own) == len(members.networks), f"trial {trial.number} has another number of networks")
            for old, new in zip(members.networks, own, strict=True):
                self._need(_is_like(old, new), f"a network of trial {trial.number} has other layers")
                self._need(new.n_epochs <= trial.max_iter, f"a network of trial {trial.number} has too many epochs")
            trial.fit.take(members, own)
        self._need(not trial.members or n == len(trial.networks), f"trial {trial.number} has scores of other networks")
        self._need(all(len(one[name]) == n for name in ("best_epochs", "scores", "histories")), f"trial {trial.number} has other scores")
        self._need(all(type(epoch) is int and 0 <= epoch <= trial.max_iter for epoch in one["best_epochs"]), "best epochs are out of range")
        trial.best_epochs = list(one["best_epochs"])
        trial.scores = [math.nan if score is None else self._number(score) for score in one["scores"]]
        trial.histories = [self._history(columns) for columns in one["histories"]]
        if one["status"] != trial.status:
            trial.end(one["status"])
        self._need(bool(trial.members) or trial.status != RUNNING, f"trial {trial.number} is running but has no networks")
        return left

    def _flag(self, value: Any) -> bool:
        self._need(type(value) is bool, f"{value!r:.40} is not true or false")
        return bool(value)

    def _history(self, columns: Any) -> History:
        self._need(isinstance(columns, dict) and all(isinstance(name, str) for name in columns), "a history is not an object of columns")
        history = History()
        for row in zip(*columns.values(), strict=True):
            history.append(**{name: math.nan if value is None else self._number(value) for name, value in zip(columns, row, strict=True)})
        return history

    def _number(self, value: Any) -> float:
        self._need(type(value) in (int, float), f"{value!r:.40} is not a number")
        return float(value)

    def _need(self, is_right: bool, what: str) -> None:
        if not is_right:
            raise FileFormatError(f"{self.path}: the description of the trials is damaged: {what}")


def run_search(search: Search, file: TrialsFile | None) -> list[Trial]:
    """Run a search, continuing from the file if there is one, and choose the trials of the ensemble.

    Raises the errors of `TrialsFile.restore` and `Search.choose`.
    """
    if file is not None:
        file.restore(search)
    search.run(partial(file.write, search) if file is not None else lambda: None)
    return search.choose()


def _described(trial: Trial) -> dict[str, Any]:
    return {
        "parameters": repr(trial.parameters),
        "status": trial.status,
        "has_networks": bool(trial.members),
        "best_epochs": [int(epoch) for epoch in trial.best_epochs],
        "scores": [_plain(score) for score in trial.scores],
        "histories": [{name: list(map(_plain, column)) for name, column in history.to_dict().items()} for history in trial.histories],
    }


def _plain(value: float) -> float | None:
    """A number for JSON; None if it is not finite."""
    return float(value) if math.isfinite(value) else None


def _is_like(one: Sequential, other: Sequential) -> bool:
    """Whether two networks have the same layers, and tensors of the same shapes."""
    shapes = [{name: (view.shape, view.dtype) for name, view in network.named_parameters().items()} for network in (one, other)]
    return shapes[0] == shapes[1] and list(map(repr, one.layers)) == list(map(repr, other.layers)) and alike(one.loss, other.loss)

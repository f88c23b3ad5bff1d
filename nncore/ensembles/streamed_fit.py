"""Fit an ensemble to a stream: members are trained one after the other, and validated by samples in memory."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.callbacks.time_limit import TimeLimit
from nncore.contract import Callback, copied_deeply
from nncore.data import Stream
from nncore.ensembles.ensemble_fit import EnsembleFit, StopAfter
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.members import Members
from nncore.ensembles.row_summary import RowSummary
from nncore.ensembles.target_scale import TargetScale
from nncore.errors import NonFiniteError
from nncore.network import Sequential


@dataclass(frozen=True)
class StreamedFold:
    """Training samples and validation samples of a member.

    Attributes
    ----------
    train : object
        The part of the stream, in a form that the source understands, such as `HeldOut`; None for all samples.
    n_train : int
        Number of training samples.
    sample : ndarray of shape (n, n_columns)
        Some training samples from all over the stream, for layers and initializers that depend on data.
    validation : ndarray of int64 or None
        Row numbers of the validation samples in memory; None for a fit on all samples.
    """

    train: Any
    n_train: int
    sample: NDArray[np.floating]
    validation: NDArray[np.int64] | None


class StreamedSamples(ABC):
    """Training samples of an ensemble, which can be read repeatedly."""

    @abstractmethod
    def summary(self, fold: StreamedFold, layout: InputLayout, *, with_targets: bool) -> RowSummary:
        """What encodings learn from the training samples of a fold.

        Parameters
        ----------
        fold : StreamedFold
        layout : InputLayout
        with_targets : bool
            Whether targets are scaled.
        """

    @abstractmethod
    def forget(self) -> None:
        """Free what only summaries need, after the last one."""

    @abstractmethod
    def blocks(self, part: Any) -> Iterator[tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]]:
        """Matrix, target and weights of the samples of a part, in the form of `Samples`, in blocks of any size."""

    @abstractmethod
    def stream(self, part: Any, encode: Callable[[NDArray[np.floating], np.ndarray], tuple[np.ndarray, np.ndarray]], width: int) -> Stream:
        """The samples of a part as a stream. `encode` converts matrix and target to inputs and targets; inputs have `width` columns."""


class StreamedFit(EnsembleFit):
    """One fit of an ensemble to a stream. Only the validation samples are in memory.

    Starts of a fold are trained one after the other, and each keeps its own best epoch. The best epoch of their average would need the
    networks of all epochs.

    Parameters
    ----------
    *args, **kwargs
        Arguments of `EnsembleFit`; `samples` are the validation samples.
    source : StreamedSamples
    memory_limit : int, str or None
        See `Sequential.fit`.
    """

    def __init__(self, *args: Any, source: StreamedSamples, memory_limit: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._source, self._memory_limit = source, memory_limit

    def members(self, splits: list[Any], n_starts: int, new_seed: Callable[[], int]) -> list[Members]:
        made = []
        self._splits, self._started_with = splits, {}
        for fold in splits:
            columns, scale = self._learned(fold, new_seed())
            inputs = columns.encode(fold.sample, self._dtype)
            networks = [self._built(columns, inputs, np.arange(len(inputs)), new_seed()) for _ in range(n_starts)]
            made.append(Members(columns, scale, networks))
        if not self.recipe.n_refit or splits[0].validation is None:
            self._source.forget()
        return made

    def _learned(self, fold: StreamedFold, seed: int) -> tuple[InputColumns, TargetScale | None]:
        """Fit the encodings of columns and targets to the training samples of a member."""
        summary = self._source.summary(fold, self._layout, with_targets=self._scales_targets)
        columns = summary.columns(self._layout, self.recipe.number_encodings, self.recipe.level_encodings, seed)
        if summary.targets is None:
            return columns, None
        return columns, summary.targets.scale(self.loss, self._n_outputs, clips=self.recipe.clip_target)

    def _inputs_of(self, members: Members, number: int, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        return members.columns.encode(self._samples.matrix[rows], self._dtype)

    def validate(self, made: list[Members]) -> bool:
        """Train members and restore their best epochs. False if Ctrl-C interrupted it; the members begun so far are kept.

        Raises the errors of `check`.
        """
        self.best_epochs, self.scores = [], []
        outcomes: list[Any] = []
        for number, members in enumerate(made):
            rows = self._splits[number].validation
            _, target, weights = self._samples.of(rows)
            target = target if members.target is None else members.target.transform(target)
            validation = self._inputs_of(members, number, rows), target, weights
            for place, network in enumerate(members.networks):
                keeper = self._keepers(Members(members.columns, members.target, [network]), number)
                outcome, is_cut_short = self._train(network, members, self._splits[number], keeper.callbacks, validation)
                outcomes.append(outcome)
                self.check(keeper, outcome)
                keeper.restore([network])
                self.best_epochs.append(keeper.best_epoch)
                self.scores.append(keeper.best_value)
                if is_cut_short:
                    del members.networks[place + 1 :], made[number + 1 :], self._splits[number + 1 :]
                    break
        self.balance(made)
        return self._keep(outcomes)

    def refit(self, made: list[Members]) -> bool:
        epochs = max(1, round(float(np.mean(self.best_epochs))))
        outcomes: list[Any] = []
        for number, (members, fold) in enumerate(zip(made, self._splits, strict=True)):
            for place, network in enumerate(members.networks):
                outcome, is_cut_short = self._train(network, members, fold, [StopAfter(epochs)], None)
                if isinstance(outcome, Exception):
                    raise outcome
                outcomes.append(outcome)
                if is_cut_short:
                    del members.networks[place + 1 :], made[number + 1 :], self._splits[number + 1 :]
                    break
        self.balance(made)
        return self._keep(outcomes)

    def _training_blocks(self, fold: StreamedFold) -> Iterator[tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]]:
        return self._source.blocks(fold.train)

    def _train(
        self, network: Sequential, members: Members, fold: StreamedFold, callbacks: list[Callback], validation: Any
    ) -> tuple[Any, bool]:
        """Train one network. Returns its history or the error that ended it, and whether Ctrl-C did."""
        options, columns, scale = self.options, members.columns, members.target

        def encode(matrix: NDArray[np.floating], target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return columns.encode(matrix, self._dtype), target if scale is None else scale.transform(target)

        followers = options.followers(network) if options.followers else ()
        own = [*callbacks, *self._time_left(), *copied_deeply(list(options.callbacks)), *followers]
        try:
            history = network.fit(
                self._source.stream(fold.train, encode, columns.n_inputs),
                validation=validation,
                metrics=list(options.metrics),
                callbacks=own,
                precision=options.precision,
                n_threads=options.n_threads,
                progress=options.progress,
                memory_limit=self._memory_limit,
                **self._steps(fold.n_train),
                **self._started_with.pop(network),
            )
        except NonFiniteError as error:
            return error, False
        finally:
            network.forget_fit()
            network.reset_optimizer()
        return history, history.interrupted

    def _time_left(self) -> list[Callback]:
        """Callbacks that enforce the time limit: the next network gets an equal share of the time left."""
        if self.options.time_limit is None:
            return []
        still = len(self._started_with) + (0 if self._splits[0].validation is None else self.recipe.n_refit)
        left = max(float(self.options.time_limit) - (time.monotonic() - self._began), 0.001)
        return [TimeLimit(left / still)]

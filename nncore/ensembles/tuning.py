"""Hyperparameter search: random trials, trained together by successive halving, and an ensemble selected from them."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore.callbacks.time_limit import TimeLimit
from nncore.contract import Callback, History
from nncore.data import Fold
from nncore.ensembles.best_epoch import BestAlone
from nncore.ensembles.ensemble_fit import EnsembleFit, StopAfter, Validated, train_together
from nncore.ensembles.members import Members, together
from nncore.ensembles.recipes import N_RUNGS
from nncore.ensembles.search_spaces import Space, drawn, nested_in, shown_parameters
from nncore.ensembles.selection import OutOfFold, greedy_weights
from nncore.ensembles.trials import CUT_OFF, FAILED, FINISHED, RUNNING, STOPPED, Trial, in_order
from nncore.errors import DataError, NNCoreError, NonFiniteError

#: Each round keeps one in this many trials of a bracket: the best.
KEPT = 2
#: Largest number of trials trained together. With only a time limit, the first brackets are smaller.
BRACKET = 16
FIRST_BRACKETS = (4, 8)
#: Number of the best trials that the ensemble is selected from; networks of other trials are freed.
MOST_CANDIDATES = 50
#: Seconds between lines of progress.
LINE_SECONDS = 1.0


@dataclass(frozen=True)
class Plan:
    """Search space, limits and options of a search.

    Attributes
    ----------
    n_trials : int or None
        None for as many as the time limit allows.
    space : list of dict
        Search space that trials are drawn from.
    seed : int
        Seed of all draws: trial i depends only on the seed and i.
    deadline : float or None
        End time by `time.monotonic`, for everything the search does.
    shows : bool
        Whether to print every round to standard error.
    refits : bool
        Whether networks are trained on all rows afterwards, for which half of the time is reserved.
    began : float
        Start time by `time.monotonic`.
    """

    n_trials: int | None
    space: Sequence[Space]
    seed: int
    deadline: float | None
    shows: bool
    refits: bool = False
    began: float = 0.0

    def brackets(self) -> Iterator[range]:
        """Numbers of the trials of each bracket, which are trained together."""
        begin = 0
        if self.n_trials is None:
            while True:
                for size in FIRST_BRACKETS if begin == 0 else (BRACKET,):
                    yield range(begin, begin + size)
                    begin += size
        n_brackets = -(-self.n_trials // BRACKET)
        ends = [self.n_trials * number // n_brackets for number in range(n_brackets + 1)]
        yield from (range(*ends[number : number + 2]) for number in range(n_brackets))

    @property
    def left(self) -> float:
        """Seconds left for trials."""
        return math.inf if self.trials_deadline is None else self.trials_deadline - time.monotonic()

    @property
    def trials_deadline(self) -> float | None:
        """End time of the last trial."""
        if self.deadline is None or not self.refits:
            return self.deadline
        return (self.began + self.deadline) / 2


@dataclass
class Search:
    """Train trials in rounds. After each round, the better half of a bracket continues. The first trial always continues.

    Attributes
    ----------
    plan : Plan
    new_fit : callable
        Makes the fit of a trial from its parameters.
    base : dict of str to object
        Values of the parameters that are not drawn.
    splits : list of Fold
    n_starts : int
    trials : list of Trial
    n_rounds : int
        Completed rounds of the last bracket.
    interrupted : bool
        Whether Ctrl-C interrupted the search.
    """

    plan: Plan
    new_fit: Callable[[Mapping[str, Any]], EnsembleFit]
    base: Mapping[str, Any]
    splits: list[Fold]
    n_starts: int
    trials: list[Trial] = field(default_factory=list)
    n_rounds: int = 0
    interrupted: bool = False
    _told_at: float = -math.inf
    _told_of: int = -1

    @property
    def mode(self) -> str:
        """Whether smaller or larger scores are better: "min" or "max"."""
        return self.trials[0].fit.mode

    def new_trial(self, number: int) -> Trial:
        """Make a trial with initialised networks. The first trial is the unchanged recipe."""
        random_state = np.random.RandomState([self.plan.seed, number])
        values = drawn(self.plan.space, random_state) if number else {}
        parameters = nested_in(values, self.base)
        with _told(number, values):
            fit = self.new_fit(parameters)
            members = fit.members(self.splits, self.n_starts, lambda: int(random_state.randint(2**31 - 1)))
            return Trial(number, values, parameters, fit, members)

    def run(self, after_round: Callable[[], None]) -> None:
        """Train until all trials are done, time is up, or Ctrl-C. An interrupted round is not counted."""
        for numbers in self.plan.brackets():
            if numbers.stop < len(self.trials):
                continue
            if numbers.start >= len(self.trials):
                if not self._goes_on():
                    break
                self.trials += [self.new_trial(number) for number in numbers]
                self.n_rounds = 0
                self._say(f"trials {numbers.start} to {numbers.stop - 1} begin")
            bracket = self.trials[numbers.start : numbers.stop]
            while self.n_rounds < N_RUNGS and self._goes_on():
                self._train([trial for trial in bracket if trial.status == RUNNING])
                if self._goes_on():
                    self.n_rounds += 1
                    self._halve(bracket)
                    self._let_go()
                after_round()
                self._tell(bracket)
        for trial in self.trials:
            if trial.status == RUNNING:
                trial.end(FINISHED if all(map(trial.is_over, trial.networks)) else CUT_OFF)

    def _goes_on(self) -> bool:
        return not self.interrupted and (self.plan.left > 0 or not self.trials)

    def _train(self, trials: list[Trial]) -> None:
        """Train all networks of some trials together, up to the epoch of the next comparison."""
        runs: list[_Run] = []
        for trial in trials:
            until = trial.fit.recipe.rungs[self.n_rounds]
            of_networks = trial.fit.arguments(trial.members)
            for index, (network, arguments) in enumerate(zip(trial.networks, of_networks, strict=True)):
                if not trial.is_over(network) and network.n_epochs < until:
                    given = arguments | {"epochs": trial.max_iter - network.n_epochs}
                    runs.append(_Run(trial, index, given, trial.fit.keeper(), until - network.n_epochs))
        if not runs:
            return
        outcomes = _trained(runs, self.plan.trials_deadline)
        for run, outcome in zip(runs, outcomes, strict=True):
            self._record(run, outcome)
        self.interrupted = any(isinstance(outcome, History) and outcome.interrupted for outcome in outcomes)

    def _record(self, run: _Run, outcome: Any) -> None:
        trial, keeper = run.trial, run.keeper
        assert keeper is not None, "trials are validated"
        if trial.status == FAILED:
            return
        has_failed = isinstance(outcome, NonFiniteError) or (isinstance(outcome, History) and len(outcome) > 0)
        if has_failed and not keeper.best_epoch:
            trial.end(FAILED)
            return
        with _told(trial.number, trial.drawn):
            trial.fit.check(keeper, outcome)
        if keeper.best_epoch:
            trial.best_epochs[run.index], trial.scores[run.index] = keeper.best_epoch, keeper.best_value
        if isinstance(outcome, History):
            trial.histories[run.index] = joined(trial.histories[run.index], outcome)

    def _halve(self, bracket: Sequence[Trial]) -> None:
        """Continue with the better half of the running trials and the first trial. After the last round, end all."""
        running = [trial for trial in bracket if trial.status == RUNNING]
        is_last = self.n_rounds == N_RUNGS
        going_on = [] if is_last else in_order(running, self.mode)[: -(-len(running) // KEPT)]
        for trial in running:
            if is_last:
                trial.end(FINISHED)
            elif trial.number and not any(trial is other for other in going_on):
                trial.end(STOPPED)

    def _let_go(self) -> None:
        """Free the networks of trials that are too bad for the ensemble."""
        over = [trial for trial in self.trials if trial.status not in (RUNNING, FAILED)]
        for trial in in_order(over, self.mode)[MOST_CANDIDATES:]:
            trial.members = []

    def _tell(self, bracket: Sequence[Trial]) -> None:
        now = time.monotonic()
        if not self.plan.shows or (now - self._told_at < LINE_SECONDS and self._goes_on()):
            return
        best = in_order(self.trials, self.mode)[0]
        n_running = sum(trial.status == RUNNING for trial in bracket)
        known = "" if best.number == self._told_of else f" ({shown_parameters(best.drawn) or 'as given'})"
        reached = "" if math.isnan(best.score) else f"; best {best.fit.monitor} {best.score:.6g}, trial {best.number}{known}"
        self._told_at, self._told_of = now, best.number
        self._say(f"round {self.n_rounds}/{N_RUNGS}, {n_running} go on{reached}")

    def _say(self, text: str) -> None:
        if not self.plan.shows:
            return
        of_all = "" if self.plan.n_trials is None else f" of {self.plan.n_trials}"
        left = "" if self.plan.trials_deadline is None else f", {max(self.plan.left, 0):.0f} s left"
        sys.stderr.write(f"tune: {len(self.trials)}{of_all} trials{left}: {text}\n")

    # ---- the ensemble -------------------------------------------------------------------------------------------------------

    def choose(self) -> list[Trial]:
        """Select the best ensemble on the validation rows, set the weights of its trials, and return them.

        Raises
        ------
        DataError
            If all trials have failed.
        """
        candidates = [trial for trial in self.trials if trial.members and not math.isnan(trial.score)]
        if not candidates:
            left = [trial for trial in self.trials if trial.status != FAILED]
            if not left:
                raise DataError("no trial has a finite score: scale the targets, allow smaller learning rates, or use another scoring")
            left[0].weight = 1  # no time for a single epoch
            return left[:1]
        outputs, targets, weights = zip(*(trial.fit.validated(trial.members) for trial in candidates), strict=True)
        fit = candidates[0].fit
        held_out = OutOfFold(targets[0], weights[0], fit.loss, next(iter(fit.options.metrics), None), self.mode)
        for trial, weight in zip(candidates, greedy_weights(outputs, held_out).tolist(), strict=True):
            trial.weight = weight
        chosen = [trial for trial in candidates if trial.weight]
        for trial in chosen:
            trial.fit.balance(trial.members)
        return chosen

    def validated(self, chosen: Sequence[Trial]) -> Validated:
        """Predictions of the ensemble for the validation rows of all folds."""
        outputs, targets, weights = zip(*(trial.fit.validated(trial.members) for trial in chosen), strict=True)
        counts = np.array([trial.weight for trial in chosen], np.float64)
        return together(list(outputs), chosen[0].fit.loss, counts), targets[0], weights[0]

    def refit(self, chosen: Sequence[Trial], fold: Fold, n_refit: int, new_seed: Callable[[], int]) -> None:
        """Train networks on all rows, for the mean best epoch of each trial. They replace those of the folds."""
        runs: list[_Run] = []
        for trial in chosen:
            trial.members = trial.fit.members([fold], n_refit, new_seed)
            epochs = max(1, round(float(np.mean(trial.best_epochs))))
            runs += [_Run(trial, index, arguments, None, epochs) for index, arguments in enumerate(trial.fit.arguments(trial.members))]
        outcomes = _trained(runs, self.plan.deadline)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        for trial in chosen:
            trial.histories = [outcome for run, outcome in zip(runs, outcomes, strict=True) if run.trial is trial]
            trial.fit.balance(trial.members)
            trial.fit.put_away(trial.networks)
        self.interrupted = any(outcome.interrupted for outcome in outcomes)


@dataclass(frozen=True)
class _Run:
    """The training of one network in a round. Without a keeper, it is not validated."""

    trial: Trial
    index: int
    arguments: dict[str, Any]
    keeper: BestAlone | None
    epochs: int

    @property
    def callbacks(self) -> list[Callback]:
        goes_on = self.keeper is not None
        stop = [StopAfter(self.epochs, goes_on=goes_on)] if self.epochs < self.arguments["epochs"] else []
        return [*(() if self.keeper is None else self.keeper.callbacks), *stop]


def _trained(runs: Sequence[_Run], deadline: float | None) -> list[Any]:
    """Train networks together until a deadline. Returns the history of each, or the error that ended it."""
    left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
    callbacks = [[*run.callbacks, *([] if left is None else [TimeLimit(left)])] for run in runs]
    networks = [run.trial.networks[run.index] for run in runs]
    try:
        return train_together(networks, [run.arguments for run in runs], callbacks, runs[0].trial.fit.options)
    except NNCoreError as error:  # an error of the fit, which names networks by number
        match = re.match(r"network (\d+): ", str(error))
        if match is None:
            raise
        trial = runs[int(match[1])].trial
        error.args = (str(error)[match.end() :],)
        with _told(trial.number, trial.drawn):
            raise


@contextmanager
def _told(number: int, values: Mapping[str, Any]) -> Iterator[None]:
    """Add the trial to errors inside the ``with`` block."""
    try:
        yield
    except NNCoreError as error:
        if number and error.args and isinstance(error.args[0], str):
            error.args = (f"trial {number} ({shown_parameters(values)}): {error.args[0]}", *error.args[1:])
        raise


def joined(first: History, second: History) -> History:
    """Join the histories of a fit and its continuation."""
    if not len(first):
        return second
    for row in zip(*(second[name] for name in second), strict=True):
        first.append(**dict(zip(second, map(float, row), strict=True)))
    first.stop_reason, first.interrupted = second.stop_reason, second.interrupted
    return first


def gathered(chosen: Sequence[Trial]) -> tuple[list[Members], list[int]]:
    """Collect the networks of some trials with their weights. Networks with the same encodings become one `Members`. Also returns their
    folds."""
    found: list[tuple[int, Members]] = []
    are_equal = len({trial.weight for trial in chosen}) == 1
    for trial in chosen:
        for number, members in enumerate(trial.members):
            alike = [one for at, one in found if at == number and one.columns is members.columns and one.target == members.target]
            one = alike[0] if alike else Members(members.columns, members.target, [], None if are_equal else [])
            if not alike:
                found.append((number, one))
            one.networks += members.networks
            if one.weights is not None:
                one.weights += [float(trial.weight)] * len(members.networks)
    return [one for _, one in found], [number for number, _ in found]

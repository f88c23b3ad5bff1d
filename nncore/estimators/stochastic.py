"""Fit by a stochastic solver: mini-batch steps, by `Sequential.fit`."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.callbacks.time_limit import TimeLimit
from nncore.contract import copied_deeply
from nncore.errors import NonFiniteError, warn_user
from nncore.estimators.convergence import Convergence
from nncore.estimators.convergence_warning import ConvergenceWarning
from nncore.estimators.fit_tasks import FitTasks
from nncore.estimators.solver import StochasticSolver
from nncore.estimators.stream_training import StreamedData
from nncore.estimators.training_data import TrainingData

#: Batch size for ``batch_size="auto"``, if there are at least that many samples.
AUTO_BATCH_SIZE = 200


class StochasticFit:
    """A fit of at most `max_iter` epochs, or of one more epoch. The constructor reads all arguments that it uses.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    given : Given
    data : TrainingData
    incremental : bool
        Continue with the current solver for one epoch.
    """

    def __init__(self, estimator: Any, given: Any, data: TrainingData | StreamedData, *, incremental: bool) -> None:
        self.estimator, self.data, self.incremental = estimator, data, incremental
        kept: StochasticSolver | None = vars(estimator).get("_optimizer") if incremental else None
        is_kept = kept is not None and not given.changed(kept.made_of)
        self._begins = kept is None
        self._solver = kept if kept is not None and is_kept else StochasticSolver(given)
        self._moves = not self._begins and not is_kept
        self.max_iter = 1 if incremental else int(given.max_iter)
        self._convergence = Convergence(estimator, given, data.held_out)
        limit = [] if given.time_limit is None else [TimeLimit(float(given.time_limit))]
        self._callbacks: list[Any] = [self._convergence, *limit, *copied_deeply(list(given.callbacks or ()))]
        batch_size = _batch_size(given.batch_size, len(data))
        sampler = given.sampler
        self._arguments = {
            "epochs": self.max_iter,
            "batch_size": batch_size,
            "shuffle": bool(given.shuffle) if sampler is None or not given.shuffle else None,
            "sampler": sampler,
            "transforms": given.transforms or (),
            "validation": None if data.held_out is None else data.held_out.for_network,
            "metrics": [] if data.held_out is None else data.held_out.judge.metrics,
            "sample_weight": data.weights,
            "weight_decay": data.penalty(float(given.alpha), batch_size),
            "groups": {} if given.groups is None else given.groups,
            "clip_norm": 0.0 if given.clip_norm is None else float(given.clip_norm),
            "schedule": self._solver.schedule(incremental=incremental),
            "precision": given.precision,
            "n_threads": given.n_threads,
            "memory_limit": data.memory_limit,
            "progress": bool(given.progress),
        }

    def run(self, tasks: FitTasks | None) -> bool:
        """Train. `tasks` are scikit-learn's callbacks, called after the user's. False if Ctrl-C interrupted the fit."""
        estimator, network, convergence = self.estimator, self.estimator.network_, self._convergence
        estimator._optimizer = self._solver
        if self._begins and network.optimizer is not None:
            for kept in network.optimizer_state.values():
                kept[...] = 0
            network.n_steps = 0
        optimizer = self._solver.optimizer if self._begins else self._solver.move_to(network) if self._moves else None
        estimator.n_iter_ = 0
        network.forget_fit()  # each call begins with a new epoch, also after an interrupted one
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # reported by the core, and by NaN for scores
                history = network.fit(
                    self.data.X,
                    self.data.target,
                    optimizer=optimizer,  # None keeps the network's optimizer, with changes by callbacks
                    callbacks=[*self._callbacks, *([tasks] if tasks is not None and tasks.is_heard else [])],
                    **self._arguments,
                )
        except NonFiniteError as error:
            if not convergence.record_divergence():
                raise
            estimator._extend_history(convergence.history)
            message = f"Training diverged in epoch {estimator.n_iter_}; the weights with the best validation score are restored. {error}"
            warn_user(message, ConvergenceWarning)
            return True
        finally:
            network.schedule = None  # the next call has its own schedule, and a file needs none
        estimator._extend_history(history)
        if not history.interrupted and not self.incremental and estimator.n_iter_ == self.max_iter and not convergence.was_stopped:
            message = f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet."
            warn_user(message, ConvergenceWarning)
        return not history.interrupted


def _batch_size(asked: Any, n_samples: int) -> int:
    if isinstance(asked, str):
        return min(AUTO_BATCH_SIZE, n_samples)
    if asked > n_samples:
        warn_user("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(asked), n_samples)

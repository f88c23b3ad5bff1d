"""A fit by a stochastic solver: many small steps, by `Sequential.fit`."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from nncore.callbacks.time_limit import TimeLimit
from nncore.contract import Callback
from nncore.errors import NonFiniteError
from nncore.estimators.convergence import Convergence
from nncore.estimators.solver import StochasticSolver
from nncore.estimators.training_data import TrainingData
from nncore.estimators.warning import warn_user

#: Samples of a batch, if there are so many, for ``batch_size="auto"``.
AUTO_BATCH_SIZE = 200


def fit_stochastic(estimator: Any, data: TrainingData, callbacks: list[Callback], *, incremental: bool) -> None:
    """Train the network of an estimator, for `max_iter` epochs at most, or for one that adds to those before.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    data : TrainingData
    callbacks : list of Callback
        Called after those of the user.
    incremental : bool
        Go on with the solver as it is, for one epoch.
    """
    network = estimator.network_
    begins = not incremental or "_optimizer" not in vars(estimator)
    if begins:
        estimator._optimizer = StochasticSolver(estimator)
        if network.optimizer is not None:
            for kept in network.optimizer_state.values():
                kept[...] = 0
            network.n_steps = 0
    solver: StochasticSolver = estimator._optimizer
    batch_size = _batch_size(estimator.batch_size, len(data))
    convergence = Convergence(estimator, data.held_out)
    limit = [] if estimator.time_limit is None else [TimeLimit(float(estimator.time_limit))]
    estimator.n_iter_ = 0
    network.forget_fit()  # each call begins with an epoch of its own, also after one that was cut short
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # said better by the core, and for scores by NaN
            history = network.fit(
                data.X,
                data.target,
                optimizer=solver.optimizer if begins else None,  # what the network has, with what callbacks have changed
                epochs=1 if incremental else int(estimator.max_iter),
                batch_size=batch_size,
                shuffle=None if estimator.shuffle and estimator.sampler is not None else bool(estimator.shuffle),
                sampler=estimator.sampler,
                transforms=estimator.transforms or (),
                validation=None if data.held_out is None else data.held_out.for_network,
                metrics=[] if data.held_out is None else data.held_out.judge.metrics,
                sample_weight=data.weights,
                callbacks=[convergence, *limit, *(estimator.callbacks or ()), *callbacks],
                weight_decay=data.penalty(float(estimator.alpha), batch_size),
                groups={} if estimator.groups is None else estimator.groups,
                clip_norm=0.0 if estimator.clip_norm is None else float(estimator.clip_norm),
                schedule=solver.schedule(incremental=incremental),
                n_threads=estimator.n_threads,
                progress=bool(estimator.progress),
            )
    except NonFiniteError as error:
        if not convergence.record_divergence():
            raise
        estimator._extend_history(convergence.history)
        message = f"Training diverged in epoch {estimator.n_iter_}; kept is the network with the best validation score. {error}"
        warn_user(message, ConvergenceWarning)
        return
    finally:
        network.schedule = None  # the next call brings its own, and a file needs none
    estimator._extend_history(history)
    if history.interrupted:
        warn_user("Training interrupted by user.")
    elif not incremental and estimator.n_iter_ == estimator.max_iter and not convergence.was_stopped:
        message = f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't converged yet."
        warn_user(message, ConvergenceWarning)


def _batch_size(asked: Any, n_samples: int) -> int:
    if isinstance(asked, str):
        return min(AUTO_BATCH_SIZE, n_samples)
    if asked > n_samples:
        warn_user("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(asked), n_samples)

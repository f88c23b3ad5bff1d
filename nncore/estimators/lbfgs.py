"""Fit a network by L-BFGS, with loss and gradient over all samples at once."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np

from nncore.contract import Snapshot
from nncore.errors import ParameterError, warn_user
from nncore.estimators.convergence_warning import ConvergenceWarning
from nncore.estimators.curves import record_loss, record_score
from nncore.estimators.fit_tasks import FitTasks
from nncore.estimators.training_data import TrainingData
from nncore.network import Objective, Sequential, minimize
from nncore.program import at_most_threads, plan_network


class LbfgsFit:
    """A fit of an estimator's network from its current weights, in float64 for any dtype. The constructor reads all arguments that it uses.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    given : Given
    data : TrainingData

    Raises
    ------
    ParameterError
        If the network or the arguments need mini-batch steps, which L-BFGS does not have.
    """

    def __init__(self, estimator: Any, given: Any, data: TrainingData) -> None:
        self.estimator, self.data = estimator, data
        network = estimator.network_
        blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
        if noise := next((stage.name for stage in blueprint.stages if stage.plan.training_only), None):
            raise ParameterError(
                f"solver='lbfgs' needs the same function at every step, but {noise} changes it: leave it out, or use another solver"
            )
        if rule := next((rule for rule in network.rules if rule.kind == "constraint"), None):
            raise ParameterError(
                f"solver='lbfgs' does not support constraints, such as {rule.component!r} of {rule.tensor.name}: use another solver"
            )
        if given.precision == "bfloat16":
            raise ParameterError(
                "solver='lbfgs' needs losses with more digits than precision='bfloat16' gives: leave precision out, or use another solver"
            )
        self._penalty = data.penalty(float(given.alpha), len(data))
        self._options = {"max_fun": given.max_fun, "max_iter": given.max_iter, "gtol": given.tol}
        self._verbose, self._n_threads, self._time_limit = bool(given.verbose), given.n_threads, given.time_limit
        self._patience = (given.n_iter_no_change, given.tol) if given.early_stopping else None

    def run(self, tasks: FitTasks | None) -> bool:
        """Train. `tasks` are scikit-learn's callbacks. False if Ctrl-C interrupted the fit."""
        estimator, data = self.estimator, self.data
        network = estimator.network_
        vars(estimator).pop("_optimizer", None)  # partial_fit must not continue with an optimizer from before this fit
        twin = network if network.dtype == np.float64 else _in_float64(network)
        twin.weight_decay = self._penalty
        iterations = Iterations(estimator, data, twin, tasks, time_limit=self._time_limit, verbose=self._verbose, patience=self._patience)
        is_whole = True
        try:
            with at_most_threads(self._n_threads):
                objective = Objective(twin, data.X, data.target, data.weights)
                result = minimize(objective, on_iteration=iterations, **self._options)
            estimator.loss_ = estimator._shown_loss(result.value, twin)
        except KeyboardInterrupt:
            is_whole = False
        finally:  # also after an overflow on the way to the next iteration
            twin.weight_decay = 0.0
            network.parameters[...] = twin.parameters
        if twin is not network:
            _copy_buffers(twin, network)
        if iterations.best is not None:
            iterations.best.restore(network)
        if is_whole and result.status != 0 and not iterations.ended_early:
            warn_user(
                f"lbfgs failed to converge after {estimator.n_iter_} iteration(s) (status={result.status}): {result.message}. Increase "
                "the number of iterations (max_iter) or scale the data, so that each feature has about mean 0 and standard deviation 1.",
                ConvergenceWarning,
            )
        return is_whole


class Iterations:
    """Actions after each iteration: record curves, validate, check the time limit, call scikit-learn's callbacks.

    Attributes
    ----------
    best : Snapshot or None
        With validation data, the weights of the best iteration.
    ended_early : bool

    Parameters
    ----------
    patience : (float, float) or None
        With `early_stopping`: number of iterations without improvement, and smallest improvement.
    """

    def __init__(
        self,
        estimator: Any,
        data: TrainingData,
        twin: Sequential,
        tasks: FitTasks | None,
        *,
        time_limit: float | None,
        verbose: bool,
        patience: tuple[float, float] | None,
    ) -> None:
        self.estimator, self.held_out, self.tasks = estimator, data.held_out, tasks
        self.best: Snapshot | None = None
        if self.held_out is not None and estimator.best_validation_score_ > -np.inf:
            self.best = Snapshot(estimator.network_)  # of the fit that this one continues
        self.ended_early = False
        self._twin = twin
        self._deadline = np.inf if time_limit is None else time.monotonic() + time_limit
        self._verbose, self._patience = verbose, patience
        estimator.n_iter_ = 0
        if tasks is not None:
            tasks.begin()

    def __call__(self, loss: float) -> bool:
        """Record the loss at the end of an iteration. Returns whether it was the last one."""
        estimator = self.estimator
        record_loss(estimator, estimator._shown_loss(loss, self._twin), verbose=self._verbose)
        estimator.history_.append(loss=loss, **self._validate())
        if self.tasks is not None:
            self.ended_early = self.tasks.end()
            self.tasks.begin()
        n_stuck = estimator._no_improvement_count
        is_stuck = self._patience is not None and n_stuck > self._patience[0]
        if self.ended_early or is_stuck or time.monotonic() >= self._deadline:
            self.ended_early = True
        return self.ended_early

    def _validate(self) -> dict[str, float]:
        estimator, held_out, network = self.estimator, self.held_out, self.estimator.network_
        if held_out is None:
            return {}
        network.parameters[...] = self._twin.parameters
        _copy_buffers(self._twin, network)
        X, target, weights = held_out.for_network
        scores = network.evaluate(X, target, sample_weight=weights, metrics=held_out.judge.metrics)
        recorded = {f"val_{name}": value for name, value in scores.items()}
        estimator.validation_loss_curve_.append(recorded["val_loss"])
        score = held_out.score(estimator, recorded)
        if self._patience is not None:
            is_stuck = score < estimator.best_validation_score_ + self._patience[1]
            estimator._no_improvement_count = estimator._no_improvement_count + 1 if is_stuck else 0
        if record_score(estimator, score):
            self.best = Snapshot(network)
        return recorded


def _in_float64(network: Sequential) -> Sequential:
    """Copy a network with layers, loss and parameters in float64."""
    twin = Sequential(*copy.deepcopy(network.layers))
    twin.allocate(network.input_shape, network.loss, None, np.dtype(np.float64))
    twin.parameters[...] = network.parameters
    _copy_buffers(network, twin)
    return twin


def _copy_buffers(source: Sequential, target: Sequential) -> None:
    """Copy buffers between networks with the same layers."""
    values = source.named_buffers()
    for name, buffer in target.named_buffers().items():
        buffer[...] = values[name]

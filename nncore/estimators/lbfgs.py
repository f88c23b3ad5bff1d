"""A fit by L-BFGS: SciPy's, on the loss and the gradient of a network over all samples at once."""

# SciPy and scikit-learn have no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from nncore.contract import Snapshot
from nncore.errors import ParameterError
from nncore.estimators.curves import record_loss, record_score
from nncore.estimators.fit_tasks import FitTasks
from nncore.estimators.training_data import TrainingData
from nncore.estimators.warning import warn_user
from nncore.network import Sequential
from nncore.program import plan_network


@dataclass
class Objective:
    """Mean loss of all samples with its penalty, as a function of the parameters.

    Attributes
    ----------
    network : Sequential
        Built in float64, with its loss and its `weight_decay`.
    X : ndarray of shape (n_samples, n_columns), float64
    target : ndarray
    weights : ndarray of shape (n_samples,) or None
    """

    network: Sequential
    X: NDArray[np.float64]
    target: np.ndarray
    weights: np.ndarray | None

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Loss and gradient for `parameters` of shape (n_parameters,), laid out as the network has them."""
        self.network.parameters[...] = parameters
        self.network.forward(self.X, training=True)
        loss = self.network.backward(self.target, self.weights)
        return loss, self.network.gradients.copy()


def fit_lbfgs(estimator: Any, data: TrainingData, tasks: FitTasks | None) -> bool:
    """Train the network of an estimator from where it is, in float64 whatever its dtype.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    data : TrainingData
    tasks : FitTasks or None
        scikit-learn's callbacks.

    Returns
    -------
    bool
        False if Ctrl-C cut the fit short.

    References
    ----------
    Byrd, Lu, Nocedal & Zhu, "A limited memory algorithm for bound constrained optimization", 1995.
    """
    network = estimator.network_
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    if noise := next((stage.name for stage in blueprint.stages if stage.plan.training_only), None):
        raise ParameterError(
            f"solver='lbfgs' needs the same function at every step, which {noise} changes: leave it out, or use another solver"
        )
    if rule := next((rule for rule in network.rules if rule.kind == "constraint"), None):
        raise ParameterError(
            f"solver='lbfgs' moves along lines, which {rule.component!r} of {rule.tensor.name} would leave: use another solver"
        )
    if estimator.callbacks:
        raise ParameterError("callbacks listen to epochs, and solver='lbfgs' has none: use another solver, or no callbacks")
    of_steps = {"groups": estimator.groups, "sampler": estimator.sampler, "transforms": estimator.transforms or None}
    if asked := [name for name, value in of_steps.items() if value is not None]:
        what = " and ".join(asked)
        raise ParameterError(f"solver='lbfgs' moves all parameters at once, by all samples: use another solver, or leave out {what}")
    twin = network if network.dtype == np.float64 else _in_float64(network)
    twin.weight_decay = data.penalty(float(estimator.alpha), len(data))
    objective = Objective(twin, np.asarray(data.X[:], np.float64), data.target, data.weights)
    iterations = Iterations(estimator, data, twin, tasks)
    is_whole = True
    try:
        with threadpool_limits(1, user_api="blas"):  # SciPy's few sums are no work for threads, which would fight with ours for the cores
            result = minimize(
                objective,
                twin.parameters.copy(),
                method="L-BFGS-B",
                jac=True,
                callback=iterations,
                options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
            )
        iterations.parameters = twin.parameters[...] = result.x
        estimator.loss_ = estimator._shown_loss(float(result.fun), twin)
    except KeyboardInterrupt:
        is_whole = False
    finally:  # also where a number overflowed on the way to the next iteration
        twin.weight_decay = 0.0
        network.parameters[...] = iterations.parameters
    if twin is not network:
        _copy_buffers(twin, network)
    if iterations.best is not None:
        iterations.best.restore(network)
    if is_whole and result.status != 0 and not iterations.ended_early:
        warn_user(
            f"lbfgs failed to converge after {estimator.n_iter_} iteration(s) (status={result.status}): {result.message}. Increase the "
            "number of iterations (max_iter) or scale the data, so that each feature has about mean 0 and standard deviation 1.",
            ConvergenceWarning,
        )
    return is_whole


class Iterations:
    """What happens after each iteration: the estimator's curves, validation, the clock, scikit-learn's callbacks.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,), float64
        Where the last iteration ended.
    best : Snapshot or None
        With validation data, of the estimator's network at the best iteration.
    ended_early : bool
    """

    def __init__(self, estimator: Any, data: TrainingData, twin: Sequential, tasks: FitTasks | None) -> None:
        self.estimator, self.held_out, self.tasks = estimator, data.held_out, tasks
        self.parameters = twin.parameters.copy()
        self.best: Snapshot | None = None
        if self.held_out is not None and estimator.best_validation_score_ > -np.inf:
            self.best = Snapshot(estimator.network_)  # of the fit that this one goes on with
        self.ended_early = False
        self._twin = twin
        self._deadline = np.inf if estimator.time_limit is None else time.monotonic() + estimator.time_limit
        estimator.n_iter_ = 0
        if tasks is not None:
            tasks.begin()

    def __call__(self, intermediate_result: Any) -> None:  # SciPy goes by the name of the argument
        estimator = self.estimator
        self.parameters, loss = intermediate_result.x.copy(), float(intermediate_result.fun)
        self._twin.parameters[...] = self.parameters
        record_loss(estimator, estimator._shown_loss(loss, self._twin))
        estimator.history_.append(loss=loss, **self._validate())
        if self.tasks is not None:
            self.ended_early = self.tasks.end()
            self.tasks.begin()
        if self.ended_early or time.monotonic() >= self._deadline:
            self.ended_early = True
            raise StopIteration

    def _validate(self) -> dict[str, float]:
        estimator, held_out, network = self.estimator, self.held_out, self.estimator.network_
        if held_out is None:
            return {}
        network.parameters[...] = self.parameters
        _copy_buffers(self._twin, network)
        X, target, weights = held_out.for_network
        scores = network.evaluate(X, target, sample_weight=weights, metrics=held_out.judge.metrics)
        recorded = {f"val_{name}": value for name, value in scores.items()}
        estimator.validation_loss_curve_.append(recorded["val_loss"])
        if record_score(estimator, held_out.score(estimator, recorded)):
            self.best = Snapshot(network)
        return recorded


def _in_float64(network: Sequential) -> Sequential:
    """A network of its own with the same layers, loss and parameters."""
    twin = Sequential(*copy.deepcopy(network.layers))
    twin.allocate(network.input_shape, network.loss, None, np.dtype(np.float64))
    twin.parameters[...] = network.parameters
    _copy_buffers(network, twin)
    return twin


def _copy_buffers(source: Sequential, target: Sequential) -> None:
    """Between networks of the same layers."""
    values = source.named_buffers()
    for name, buffer in target.named_buffers().items():
        buffer[...] = values[name]

"""Stochastic solvers: a registered optimizer from scikit-learn's arguments, and its learning-rate rule."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from nncore.contract import Optimizer, OptimizerWrapper, Schedule, alike, with_settings, wrappers_of
from nncore.estimators.given import ITS_RULES, OF_SOLVER, Given, same
from nncore.network import Sequential
from nncore.optimizers.adam import Adam
from nncore.optimizers.adamax import Adamax
from nncore.optimizers.momentum import Momentum
from nncore.optimizers.nadam import NAdam
from nncore.optimizers.nesterov import Nesterov
from nncore.optimizers.sgd import SGD
from nncore.registry import get, qualified_name, resolve

#: The adaptive learning rate is divided by this,
DIVISOR = 5.0
#: and training ends instead once it is as small as this.
SMALLEST_RATE = 1e-6

#: Name of the learning rate for an optimizer without one.
UNKNOWN_RATE = 1e-3

#: nncore's optimizers accept neither 1 nor 0: the nearest valid numbers.
ALMOST_ONE = float(np.nextafter(1.0, 0.0))
SMALLEST_EPSILON = 1e-30


class HeldRate(Schedule):
    """A factor that is constant until it is set to another value.

    Parameters
    ----------
    held : float, default 1.0
    """

    def __init__(self, held: float = 1.0) -> None:
        self.held = held

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return np.full(step.shape, self.held)


class StochasticSolver:
    """Optimizer and learning-rate rule of a fit, and of all calls of ``partial_fit`` that continue it.

    Parameters
    ----------
    given : Given
        Arguments `solver`, `learning_rate`, and the hyperparameters of the solver.

    Attributes
    ----------
    optimizer : Optimizer
    rule : {"constant", "invscaling", "adaptive"}
        Rule for the learning rate between epochs.
    learning_rate : float
        Current learning rate; for a registered schedule, its initial rate.
    made_of : dict of str to object
        The arguments that determine all this.
    """

    def __init__(self, given: Given) -> None:
        with given.noted() as self.made_of:
            self.optimizer = make_optimizer(given)
            self._initial = self.learning_rate = float(getattr(self.optimizer, "lr", UNKNOWN_RATE))
            rule: Any = given.unread("learning_rate")
            is_reactive = isinstance(rule, str) and rule in ITS_RULES
            is_obeyed = not (is_reactive and given.solver == "adam")  # Adam ignores it, as in scikit-learn
            if is_obeyed:
                given.obey("learning_rate")
            self.rule = rule if is_reactive and is_obeyed else "constant"
            self._power = float(given.power_t) if self.rule == "invscaling" else 0.0
            self._schedule: Schedule | dict[str, Schedule] | None = None
            if is_reactive:
                return
            if isinstance(rule, Mapping) and "name" not in rule:
                self._schedule = {path: resolve("schedules", schedule) for path, schedule in rule.items()}
            else:
                self._schedule = resolve("schedules", rule)

    def move_to(self, network: Sequential) -> Optimizer | None:
        """Set the hyperparameters of the network's optimizer if it is of the same kind; otherwise return the optimizer that replaces it."""
        mine, theirs = self.optimizer.config(), network.optimizer
        if theirs is None or type(theirs) is not type(self.optimizer):
            return self.optimizer
        for name, value in mine.items():
            if not alike(value, getattr(theirs, name)):
                setattr(theirs, name, value)
        return None

    def schedule(self, *, incremental: bool) -> Schedule | dict[str, Schedule] | None:
        """The schedule for `Sequential.fit`.

        A schedule of the registry runs over a whole fit. A call of ``partial_fit`` does not know how many calls follow, so it uses the
        first rate.
        """
        if self.rule != "constant":
            return HeldRate(self.learning_rate / self._initial)
        return None if incremental else self._schedule

    def end_epoch(self, n_samples_seen: int, network: Sequential) -> None:
        """Update the learning rate by the number of samples seen, if that is its rule."""
        if self.rule == "invscaling":
            self._set_rate(self._initial / (n_samples_seen + 1) ** self._power, network)

    def lower_rate(self, network: Sequential) -> bool:
        """Divide the learning rate if nothing improves; False if training should end instead."""
        if self.rule != "adaptive" or self.learning_rate <= SMALLEST_RATE:
            return False
        self._set_rate(self.learning_rate / DIVISOR, network)
        return True

    def _set_rate(self, rate: float, network: Sequential) -> None:
        if isinstance(self.optimizer, (Momentum, Nesterov)):
            # nncore's velocity is a sum of gradients; scikit-learn's is a sum of steps, which keep their old learning rate.
            for velocity in network.optimizer_state.values():
                velocity *= self.learning_rate / rate
        self.learning_rate = rate
        if isinstance(network.schedule, HeldRate):
            network.schedule.held = rate / self._initial


def make_optimizer(given: Given) -> Optimizer:
    """Make the optimizer for ``solver``.

    A name and a dict are filled up with the estimator's arguments: `learning_rate_init`, of Adam and related optimizers also
    `beta_1`, `beta_2` and `epsilon`, of those with a momentum `momentum`. A wrapper passes `learning_rate_init` to its default optimizer.
    What a dict says itself, and an instance, stay as they are. The name ``"sgd"`` is scikit-learn's: Nesterov's momentum, momentum or
    neither, as `momentum` and `nesterovs_momentum` say. Only arguments with an effect are read from `given`.
    """
    solver = given.solver
    if isinstance(solver, Mapping) and isinstance(solver.get("name"), str):
        kind, own = get("optimizers", solver["name"]), dict(solver)
    elif isinstance(solver, str) and solver == "sgd":
        kind = _sgd(given.momentum, given.unread("nesterovs_momentum"))
        own = {"name": qualified_name("optimizers", kind)}
        if kind is not SGD:
            given.obey("nesterovs_momentum")
    elif isinstance(solver, str):
        kind, own = get("optimizers", solver), {"name": solver}
    else:
        optimizer: Optimizer = copy.deepcopy(resolve("optimizers", solver))
        _obey_what_agrees(given, type(optimizer), _innermost(optimizer))
        return optimizer
    if issubclass(kind, OptimizerWrapper):
        around: Optimizer = resolve("optimizers", own)
        if "optimizer" not in own:
            return with_settings(around, {"lr": float(given.learning_rate_init)})
        _obey_what_agrees(given, kind, _innermost(around))
        return around
    _obey_what_agrees(given, kind, own)
    made: Optimizer = resolve("optimizers", own | {argument: _value(given, name) for argument, name in _missing(kind, own)})
    return made


def _innermost(optimizer: Optimizer) -> dict[str, Any]:
    """The arguments of an optimizer, or of the one inside all wrappers."""
    return wrappers_of(optimizer)[1].config()


def _missing(kind: type[Optimizer], own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The arguments of an optimizer that the estimator's give it, and which do."""
    wanted = {"learning_rate_init"}
    if issubclass(kind, (Adam, Adamax, NAdam)):
        wanted |= {"beta_1", "beta_2", "epsilon"}
    elif issubclass(kind, (Momentum, Nesterov)):
        wanted |= {"momentum"}
    return [
        (argument, name) for name, argument in OF_SOLVER.items() if name in wanted and argument in set(kind.argument_names) - own.keys()
    ]


def _value(given: Given, name: str) -> float:
    """An argument of scikit-learn's as our optimizers take it."""
    value = float(getattr(given, name))
    return max(value, SMALLEST_EPSILON) if name == "epsilon" else min(value, ALMOST_ONE) if name == "momentum" else value


def _sgd(momentum: Any, nesterovs_momentum: Any) -> type[Optimizer]:
    """What scikit-learn means by "sgd"."""
    if float(momentum) == 0:
        return SGD
    return Nesterov if nesterovs_momentum else Momentum


def _obey_what_agrees(given: Given, kind: type[Optimizer], own: Mapping[str, Any]) -> None:
    """An argument of the estimator is not ignored where the optimizer has the same value, or is the kind that it asks for."""
    for name, argument in OF_SOLVER.items():
        if argument in own and same(own[argument], given.unread(name)):
            given.obey(name)
    if kind is _sgd(given.unread("momentum"), given.unread("nesterovs_momentum")):
        given.obey("momentum" if kind is SGD else "nesterovs_momentum")

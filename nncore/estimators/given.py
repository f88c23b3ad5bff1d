"""The arguments of an estimator's constructor as one fit takes them: what was read, what decided what, and what would be ignored."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import sklearn.neural_network

from nncore.arguments import is_list
from nncore.contract import UNCHANGING, alike
from nncore.errors import ParameterError, warn_user

#: scikit-learn's arguments, solvers and ways to move the learning rate.
ITS_ARGUMENTS = frozenset(inspect.signature(sklearn.neural_network.MLPRegressor).parameters)
ITS_SOLVERS = ("adam", "sgd", "lbfgs")
ITS_RULES = ("constant", "invscaling", "adaptive")

#: Arguments that an optimizer gets if it is not given its own, and what it calls them.
OF_SOLVER = {"learning_rate_init": "lr", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon", "momentum": "momentum"}

#: Arguments that decide which others count; messages show them.
DECIDING = ("solver", "learning_rate", "layers", "early_stopping")


class Given:
    """Arguments by name, read as attributes. A fit reads each that it obeys, and says it of those that it never looked at.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self._owner = type(estimator).__name__
        ours = next(cls for cls in type(estimator).__mro__ if cls.__module__.startswith("nncore."))  # a user's subclass may have others
        self._defaults = _defaults_of(ours)
        self._values = {name: value for name, value in vars(estimator).items() if not name.endswith("_") and not name.startswith("_")}
        self._read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._read.add(name)
        return self._values[name]

    def unread(self, name: str) -> Any:
        """An argument, looked at to see whether it counts."""
        return self._values[name]

    def obey(self, name: str) -> None:
        """What was looked at counts."""
        self._read.add(name)

    @contextmanager
    def noted(self) -> Iterator[dict[str, Any]]:
        """Inside, arguments that are read are copied into the dict that is yielded, once the block ends."""
        before, self._read = self._read, set()
        found: dict[str, Any] = {}
        try:
            yield found
        finally:
            found |= {name: _kept(self._values[name]) for name in sorted(self._read)}
            self._read |= before

    def changed(self, made_of: Mapping[str, Any]) -> list[str]:
        """Names of the arguments that were other ones when something was made of them; all of them count as read."""
        self._read |= made_of.keys()
        return [name for name, value in made_of.items() if not same(self._values[name], value)]

    def shown(self, name: str) -> str:
        return f"{name}={self._values[name]!r}"

    def refuse_ignored(self, *accepted: str) -> None:
        """Say it of an argument that was set and never read: nothing is ignored in silence.

        What scikit-learn documents as "only used when solver=..." is a warning, so that its users' searches over several solvers go on.
        Anything else is a mistake.

        Parameters
        ----------
        *accepted : str
            Arguments for another method.

        Raises
        ------
        ParameterError
            For the first that scikit-learn's perceptrons do not ignore.
        """
        ignored = [name for name, default in self._defaults.items() if not self._is_default(name, default)]
        ignored = [name for name in ignored if name not in self._read and name not in accepted]
        why = ", ".join(self.shown(decider) for decider in DECIDING)
        by_habit = [name for name in ignored if self._is_ignored_by_scikit_learn(name)]
        for name in ignored:
            if name not in by_habit:
                remedy = f"leave it at {self._defaults[name]!r}, or {self._instead_of(name)}"
                raise ParameterError(f"{self._owner}: {self.shown(name)} would be ignored, because it has no effect with {why}: {remedy}")
        if by_habit:
            shown = ", ".join(map(self.shown, by_habit))
            warn_user(f"{self._owner}: {shown} is ignored, as in scikit-learn: it has no effect with {why}. Leave it at its default")

    def _instead_of(self, name: str) -> str:
        """What else to do about an argument that would be ignored."""
        argument, solver = OF_SOLVER.get(name, ""), self._values["solver"]
        around = "optimizer__" if hasattr(solver, "optimizer") or (isinstance(solver, Mapping) and "optimizer" in solver) else ""
        has_its_own = argument in solver if isinstance(solver, Mapping) else argument and hasattr(solver, argument)
        if has_its_own or (around and argument == "lr"):
            return f"set solver__{around}{argument}, which the optimizer has of its own"
        return "change what makes it ineffective" + (", or pass X_val and y_val" if name == "scoring" else "")

    def _is_default(self, name: str, default: Any) -> bool:
        value = self._values.get(name, default)
        if value is default:  # as most are
            return True
        return same(value, default) or (default is None and is_list(value) and not len(value))

    def _is_ignored_by_scikit_learn(self, name: str) -> bool:
        """Whether it and what decides about it are scikit-learn's, which documents that it is "only used when"."""
        solver, rule = self._values["solver"], self._values["learning_rate"]
        are_its_own = isinstance(solver, str) and solver in ITS_SOLVERS and self._values["layers"] is None
        return are_its_own and name in ITS_ARGUMENTS and not (name == "learning_rate" and rule not in ITS_RULES)


@functools.cache
def _defaults_of(cls: type) -> Mapping[str, Any]:
    return {argument.name: argument.default for argument in inspect.signature(cls).parameters.values()}


def _kept(value: Any) -> Any:
    """A copy that later changes of the user's object leave alone, of what can be copied."""
    if type(value) in UNCHANGING:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # a function of somebody's that holds a lock, say
        return value


def same(one: Any, other: Any) -> bool:
    """Whether an argument is what it was."""
    try:
        return isinstance(one, (bool, np.bool_)) == isinstance(other, (bool, np.bool_)) and alike(one, other)
    except Exception:  # what cannot be compared with anything is the same only as itself
        return one is other

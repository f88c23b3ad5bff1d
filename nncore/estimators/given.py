"""The constructor arguments in one fit: tracks which were read, which decide about others, and which would be ignored."""

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

#: scikit-learn's arguments, solvers and learning-rate rules.
ITS_ARGUMENTS = frozenset(inspect.signature(sklearn.neural_network.MLPRegressor).parameters)
ITS_SOLVERS = ("adam", "sgd", "lbfgs")
ITS_RULES = ("constant", "invscaling", "adaptive")

#: Arguments that an optimizer gets if it is not given its own, and what it calls them.
OF_SOLVER = {"learning_rate_init": "lr", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon", "momentum": "momentum"}

#: Arguments that decide which others have an effect; messages show them.
DECIDING = ("solver", "learning_rate", "layers", "early_stopping")


class Given:
    """Arguments as attributes. A fit reads each that it uses, and reports those that it has never read.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self._owner = type(estimator).__name__
        ours = next(cls for cls in type(estimator).__mro__ if cls.__module__.startswith("nncore."))  # not a user's subclass
        self._defaults = _defaults_of(ours)
        self._values = {name: value for name, value in vars(estimator).items() if not name.endswith("_") and not name.startswith("_")}
        self._read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._read.add(name)
        return self._values[name]

    def has(self, name: str) -> bool:
        """Whether the estimator has such an argument."""
        return name in self._values

    def unread(self, name: str) -> Any:
        """The value of an argument, without marking it as used."""
        return self._values[name]

    def obey(self, name: str) -> None:
        """Mark an argument as used."""
        self._read.add(name)

    @contextmanager
    def noted(self) -> Iterator[dict[str, Any]]:
        """Copy arguments that are read inside the ``with`` block into the yielded dict, at its end."""
        before, self._read = self._read, set()
        found: dict[str, Any] = {}
        try:
            yield found
        finally:
            found |= {name: _kept(self._values[name]) for name in sorted(self._read)}
            self._read |= before

    def changed(self, made_of: Mapping[str, Any]) -> list[str]:
        """Names of the arguments that have changed since they were noted. All of them are marked as used."""
        self._read |= made_of.keys()
        return [name for name, value in made_of.items() if not same(self._values[name], value)]

    def shown(self, name: str) -> str:
        return f"{name}={self._values[name]!r}"

    def refuse_ignored(self, *accepted: str) -> None:
        """Report arguments that were set but never read, so that nothing is ignored silently.

        For arguments that scikit-learn documents as "only used when solver=...", this is a warning, so that searches over several solvers
        work. For others it is an error.

        Parameters
        ----------
        *accepted : str
            Arguments that another method uses.

        Raises
        ------
        ParameterError
            For the first argument that scikit-learn would not ignore.
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
        if value is default:  # the usual case
            return True
        return same(value, default) or (default is None and is_list(value) and not len(value))

    def _is_ignored_by_scikit_learn(self, name: str) -> bool:
        """Whether the argument, and the one that decides about it, are scikit-learn's with documentation "only used when"."""
        solver, rule = self._values["solver"], self._values["learning_rate"]
        are_its_own = isinstance(solver, str) and solver in ITS_SOLVERS and self._values["layers"] is None
        return are_its_own and name in ITS_ARGUMENTS and not (name == "learning_rate" and rule not in ITS_RULES)


@functools.cache
def _defaults_of(cls: type) -> Mapping[str, Any]:
    return {argument.name: argument.default for argument in inspect.signature(cls).parameters.values()}


def _kept(value: Any) -> Any:
    """A copy that is independent of the user's object; the object itself if it cannot be copied."""
    if type(value) in UNCHANGING:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # such as a function that holds a lock
        return value


def same(one: Any, other: Any) -> bool:
    """Whether an argument is unchanged."""
    try:
        return isinstance(one, (bool, np.bool_)) == isinstance(other, (bool, np.bool_)) and alike(one, other)
    except Exception:  # objects that cannot be compared are equal only to themselves
        return one is other

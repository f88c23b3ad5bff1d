"""The arguments of an estimator's constructor as one fit takes them: what was read, what decided what, and what would be ignored."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from nncore.arguments import is_list
from nncore.contract import alike
from nncore.errors import ParameterError

#: Arguments that decide which others count; messages show them.
DECIDING = ("solver", "learning_rate", "layers", "early_stopping")


class Given:
    """Arguments by name, read as attributes. A fit reads each that it obeys, and refuses those that it never looked at.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self._owner = type(estimator).__name__
        arguments = inspect.signature(type(estimator)).parameters.values()  # a subclass of a user may have fewer, and set the others
        self._defaults = {argument.name: argument.default for argument in arguments}
        self._values = {name: value for name, value in vars(estimator).items() if not name.endswith("_") and not name.startswith("_")}
        self._read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._read.add(name)
        return self._values[name]

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
        """Raise `ParameterError` for an argument that was set and never read; `accepted` are for another method."""
        for name, default in self._defaults.items():
            value = self._values.get(name, default)
            if name in self._read or name in accepted or same(value, default) or (default is None and is_list(value) and not len(value)):
                continue
            why = ", ".join(self.shown(decider) for decider in DECIDING)
            raise ParameterError(
                f"{self._owner}: {self.shown(name)} would be ignored, since nothing obeys it with {why}: leave it at "
                f"{default!r}, or change what it depends on" + (" (or pass X_val and y_val)" if name == "scoring" else "")
            )


def _kept(value: Any) -> Any:
    """A copy that later changes of the user's object leave alone, of what can be copied."""
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

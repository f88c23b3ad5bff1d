"""Methods that exist only for some parameters."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sklearn.utils.metaestimators

from nncore.estimators.turns import takes_turn

Method = TypeVar("Method", bound=Callable[..., Any])


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """scikit-learn's ``available_if``, with types for type checkers."""
    decorator: Callable[[Method], Method] = sklearn.utils.metaestimators.available_if(check)
    return lambda method: decorator(takes_turn(method))  # the result is not a function, so `TakesTurns` would not find it

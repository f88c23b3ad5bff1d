"""Locks for threads that share an estimator: one thread at a time, and an error during a long fit."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from nncore._core import Turn
from nncore.errors import BusyError
from nncore.words import ListsPublicNames

#: Seconds to wait for a fit in another thread. A partial_fit on some rows takes less.
FIT_SECONDS = 1.0

#: Methods that change data that others read.
FITS = ("fit", "partial_fit")

Method = TypeVar("Method", bound=Callable[..., Any])


class _Use:
    """The lock of an estimator, and whether a fit holds it."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.is_fit = False


# Not an attribute of the estimators, since those are listed, copied and pickled.
_uses: weakref.WeakKeyDictionary[Any, _Use] = weakref.WeakKeyDictionary()


class TakesTurns(ListsPublicNames):
    """Base class of estimators whose public methods lock: each sees the model before or after a fit, or raises `BusyError`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            if inspect.isfunction(value) and not name.startswith("_"):
                setattr(cls, name, takes_turn(value))


def takes_turn(method: Method) -> Method:
    """Lock the estimator while the method runs."""

    fits = method.__name__ in FITS

    @functools.wraps(method)
    def alone(self: Any, *args: Any, **kwargs: Any) -> Any:
        use = _uses.get(self) or _uses.setdefault(self, _Use())
        while not use.turn.take(FIT_SECONDS):
            if use.is_fit:
                raise BusyError(
                    f"{method.__name__}: another thread is fitting this {type(self).__name__}: wait until it has finished, or give "
                    "each thread its own estimator (copy.deepcopy, sklearn.base.clone)"
                )
        is_within = use.is_fit
        if fits:
            use.is_fit = True
        try:
            return method(self, *args, **kwargs)
        finally:
            use.is_fit = is_within
            use.turn.leave()

    return alone  # type: ignore[return-value]

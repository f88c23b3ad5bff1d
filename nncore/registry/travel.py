"""Registrations in pickles, so that worker processes know the names that their work uses.

A worker of joblib imports nncore anew and does not know names registered in the parent. So pickled estimators and networks carry the
registrations of their process. cloudpickle writes the classes: those of a notebook or a script by value, those of a module by name.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nncore.registry.run_time import Registration

#: True while classes are being pickled: a class that refers to a network would otherwise pickle itself endlessly.
_packing: ContextVar[bool] = ContextVar("packing", default=False)


class Luggage:
    """The registrations of this process in a pickle; unpickling registers them there."""

    def __init__(self, registrations: list[Registration], arrive: Callable[[list[tuple[str, str, bytes]]], Luggage | None]) -> None:
        self._registrations, self._arrive = registrations, arrive

    def __reduce__(self) -> tuple[Any, ...]:
        return self._arrive, (packed(self._registrations),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Luggage:
        return self  # a copy in this process has its registrations anyway


def packed(registrations: list[Registration]) -> list[tuple[str, str, bytes]]:
    """Kind, name and pickled class of each. A class that cannot be pickled is left out, since it may not be needed."""
    if _packing.get():
        return []
    token = _packing.set(True)
    try:
        dumps, found = _dumps(), []
        for registration in registrations:
            try:
                found.append((registration.kind, registration.component.name, dumps(registration.cls)))
            except Exception:  # it refers to something that cannot be pickled, and raises what that raises
                continue
        return found
    finally:
        _packing.reset(token)


def unpacked(data: bytes) -> type[Any] | None:
    """A class; None if it cannot be unpickled here. Looking up its name then raises an error."""
    try:
        cls = pickle.loads(data)
    except Exception:
        return None
    return cls if isinstance(cls, type) else None


def _dumps() -> Callable[[object], bytes]:
    """`dumps` of cloudpickle; without it classes are pickled by name, as with plain pickle."""
    for module in ("cloudpickle", "joblib.externals.cloudpickle"):
        try:
            dumps: Callable[[object], bytes] = importlib.import_module(module).dumps
        except ImportError:
            continue
        return dumps
    return pickle.dumps

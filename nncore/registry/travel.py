"""Registrations inside a pickle: what a worker process must have to know the names that its work uses.

A worker of joblib imports nncore afresh, so that no name registered in the parent means anything there. Estimators and networks therefore
carry the registrations of their process when they are pickled. The classes travel as cloudpickle writes them: one of a notebook or a
script by value, one of a module by its name.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nncore.registry.run_time import Registration

#: True while classes are being pickled: one that refers to a network would otherwise carry itself, without end.
_packing: ContextVar[bool] = ContextVar("packing", default=False)


class Luggage:
    """The registrations of this process, as a value inside a pickle; opening it makes the names known there."""

    def __init__(self, registrations: list[Registration], arrive: Callable[[list[tuple[str, str, bytes]]], Luggage | None]) -> None:
        self._registrations, self._arrive = registrations, arrive

    def __reduce__(self) -> tuple[Any, ...]:
        return self._arrive, (packed(self._registrations),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Luggage:
        return self  # a copy in this process has its registrations anyway


def packed(registrations: list[Registration]) -> list[tuple[str, str, bytes]]:
    """Kind, name and pickled class of each; one that cannot be pickled stays behind, since nobody may want it there."""
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
    """A class; None if it cannot be had here, which matters only to who looks its name up, and is then told."""
    try:
        cls = pickle.loads(data)
    except Exception:
        return None
    return cls if isinstance(cls, type) else None


def _dumps() -> Callable[[object], bytes]:
    """cloudpickle's, which workers open too; without it classes go by name, as with plain pickle."""
    for module in ("cloudpickle", "joblib.externals.cloudpickle"):
        try:
            dumps: Callable[[object], bytes] = importlib.import_module(module).dumps
        except ImportError:
            continue
        return dumps
    return pickle.dumps

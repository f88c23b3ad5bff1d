"""Make component classes from functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from nncore.errors import ParameterError
from nncore_autograd.gradients import Function

C = TypeVar("C")


def class_from(function: Function, base: type[C], attributes: Mapping[str, Any]) -> type[C]:
    """A subclass of `base` whose method ``f`` is the function.

    Its module and name are those of the function: pickle finds it there if it replaces the function, as a decorator does.
    """
    if not callable(function):
        raise ParameterError(f"a function is needed, got {function!r:.200}")
    name = getattr(function, "__name__", type(function).__name__)
    place = {"__module__": function.__module__, "__qualname__": getattr(function, "__qualname__", name), "__doc__": function.__doc__}
    return type(name, (base,), {**place, **attributes, "f": staticmethod(function)})

"""Every public function, class and method of nncore. They are read from the modules, so that new ones are included."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import nncore

#: Modules whose ``__all__`` are names for users.
MODULES = ("nncore", *(f"nncore.{name}" for name in nncore._MODULES if name not in ("errors", "plugin")))


class Public(NamedTuple):
    """A public callable."""

    name: str  # "nncore.Sequential.fit"
    call: Callable[..., Any]
    owner: type | None  # of a method


def public_callables() -> Iterator[Public]:
    """Functions, classes and the methods that these have from nncore, each once."""
    seen: set[int] = set()
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            found = getattr(module, name)
            if not callable(found) or id(found) in seen:
                continue
            seen.add(id(found))
            yield Public(f"{module_name}.{name}", found, None)
            if inspect.isclass(found):
                yield from _methods(f"{module_name}.{name}", found)


def _methods(prefix: str, cls: type) -> Iterator[Public]:
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("nncore."):
            yield Public(f"{prefix}.{name}", getattr(cls, name), cls)


def is_for_hosts(public: Public) -> bool:
    """Whether it is a method of a component, which networks call and users do not."""
    from nncore.plugin import Configurable

    return public.owner is not None and issubclass(public.owner, Configurable)


def has_constructor_of_nncore(cls: type) -> bool:
    """Whether calling the class runs code of nncore."""
    return inspect.isfunction(cls.__init__) and cls.__init__.__module__.startswith("nncore.")

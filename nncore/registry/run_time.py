"""Classes registered at run time, which only this process knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from nncore.contract import Component, Configurable
from nncore.registry.discovery import PluginInfo
from nncore.registry.manifest import KINDS

#: Used instead of the name of a distribution.
THIS_PROCESS = "this process"


@dataclass(frozen=True)
class Registration:
    """A component under its name.

    Attributes
    ----------
    kind : str
    component : Component
    plugin : PluginInfo
        The plugin that provides it.
    cls : type or None
        The class, if it was registered at run time; that of a plugin is imported from the component's target when it is needed.
    """

    kind: str
    component: Component
    plugin: PluginInfo = field(repr=False)
    cls: type[Any] | None = field(default=None, repr=False)

    @property
    def qualified_name(self) -> str:
        """An unambiguous name: bare for built-ins and classes registered at run time, ``"<distribution>/<name>"`` for plugins."""
        bare = self.plugin.built_in or self.plugin.run_time
        return self.component.name if bare else f"{self.plugin.distribution}/{self.component.name}"


def snake_case(class_name: str) -> str:
    """Convert a class name to a component's name: ``"MyYogi"`` to ``"my_yogi"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


def target_of(cls: type) -> str:
    """The target of a class, as in a manifest; two classes with the same target are versions of each other."""
    return f"{cls.__module__}:{cls.__qualname__}"


#: Classes that are known only inside `RunTimeRegistrations.given`: kind → name → registration.
_given: ContextVar[Mapping[str, Mapping[str, Registration]]] = ContextVar("given", default=MappingProxyType({}))


_NONE: Mapping[str, Registration] = MappingProxyType({})


class RunTimeRegistrations:
    """The classes registered in a process, by kind and name. Changed under its registry's lock; read by any thread at any time."""

    def __init__(self) -> None:
        self._registered: dict[str, dict[str, Registration]] = {}
        #: Names of classes that were passed to `nncore.load`, so that they can be saved again.
        self._names: WeakKeyDictionary[type, tuple[str, str]] = WeakKeyDictionary()
        #: Kinds and names that came in a pickle; a newer version from a pickle may replace them.
        self._arrived: set[tuple[str, str]] = set()

    def of_kind(self, kind: str) -> Mapping[str, Registration]:
        """Registrations of a kind by name; those of `given` come first."""
        registered, given = self._registered.get(kind, _NONE), _given.get().get(kind, _NONE)
        return {**registered, **given} if registered or given else _NONE

    def registered(self) -> list[Registration]:
        """All registrations, kind by kind, in the order in which they were registered."""
        return [registration for kind in KINDS for registration in list(self._registered.get(kind, {}).values())]

    def plugin(self) -> PluginInfo | None:
        """All registrations as a plugin; None if there are none."""
        components = tuple((registration.kind, registration.component) for registration in self.registered())
        return _plugin(components) if components else None

    def add(self, kind: str, name: str, cls: type[Configurable], *, arrived: bool = False) -> None:
        """Register a checked class, replacing another one of its name."""
        self._registered[kind] = {**self._registered.get(kind, {}), name: _registration(kind, name, cls)}
        (self._arrived.add if arrived else self._arrived.discard)((kind, name))

    def has_arrived(self, kind: str, name: str) -> bool:
        """Whether the class came in a pickle."""
        return (kind, name) in self._arrived

    def remove(self, kind: str, name: str) -> None:
        """Forget a name that is registered."""
        left = {other: registration for other, registration in self._registered[kind].items() if other != name}
        if left:
            self._registered[kind] = left
        else:  # a kind that is registered again comes last again
            del self._registered[kind]
        self._arrived.discard((kind, name))

    @contextmanager
    def given(self, classes: Mapping[str, tuple[str, type[Configurable]]]) -> Iterator[None]:
        """Let names stand for (kind, class) inside the ``with`` block, only in this thread.

        Afterwards the classes can be described under these names, but not looked up.
        """
        given: dict[str, dict[str, Registration]] = {}
        for name, (kind, cls) in classes.items():
            given.setdefault(kind, {})[name] = _registration(kind, name, cls)
            self._names[cls] = kind, name
        token = _given.set(given)
        try:
            yield
        finally:
            _given.reset(token)

    def given_kind(self, name: str) -> str | None:
        """The kind of a name of `given`."""
        return next((kind for kind, by_name in _given.get().items() if name in by_name), None)

    def name_in_a_file(self, kind: str, cls: type[Any]) -> Registration | None:
        """The name of a class that was passed for a file."""
        of_kind, name = self._names.get(cls, ("", ""))
        return _registration(kind, name, cls) if of_kind == kind else None


def _registration(kind: str, name: str, cls: type[Configurable]) -> Registration:
    summary = (cls.__doc__ or "").strip().partition("\n")[0]
    component = Component(name, target_of(cls), summary)
    return Registration(kind, component, _plugin(((kind, component),)), cls)


def _plugin(components: tuple[tuple[str, Component], ...]) -> PluginInfo:
    return PluginInfo(THIS_PROCESS, "", "nn.register", "", components, run_time=True)

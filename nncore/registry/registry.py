"""The registry of installed components: find, make and describe them by name."""

from __future__ import annotations

import importlib
import inspect
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.contract import Configurable
from nncore.errors import ParameterError, PluginError, PluginWarning, UnknownComponentError, warn_user
from nncore.registry.catalogue import BASES, Catalogue, article, imported, kind_of, plural
from nncore.registry.discovery import PluginProblem, Policy
from nncore.registry.manifest import KINDS
from nncore.registry.plugin_list import PluginList
from nncore.registry.run_time import Registration, RunTimeRegistrations, target_of
from nncore.words import KindName, explains_calls

#: Classes that turn a function into a component, by kind: the target as in a manifest, and the argument for the function.
FUNCTIONS = {
    "losses": ("nncore.losses.function:FunctionLoss", "function"),
    "metrics": ("nncore.metrics.function:FunctionMetric", "function"),
    "schedules": ("nncore.schedules.function:FunctionSchedule", "function"),
    "callbacks": ("nncore.callbacks.lambda_callback:LambdaCallback", "on_epoch_end"),
}

#: Key of a layer's own name in its description, where ``"name"`` is that of its class.
LAYER_NAME = "layer_name"


class Registry(Catalogue):
    """A catalogue that also makes components from users' arguments, and describes them for files."""

    def resolve(self, kind: str, spec: object) -> Any:
        """Make a component from an instance, a class, a name, a dict or a function.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        spec : instance, class, str, mapping or function
            An instance is returned unchanged. A class or a name is called without arguments. A mapping has a ``"name"`` and arguments;
            nested components that `config_of` wrote become instances again. A function becomes a loss, a metric, a schedule, or a callback
            for the end of every epoch.

        Raises
        ------
        ParameterError
            If `spec` has another type, or its arguments are wrong.
        UnknownComponentError
            If there is no component of that name.
        """
        kind = plural(kind)
        base = BASES[kind]
        if isinstance(spec, base):
            return spec
        if isinstance(spec, type) and issubclass(spec, base):
            return _make(spec, {})
        if isinstance(spec, str):
            return _make(self._class_called(kind, spec), {})
        if isinstance(spec, Mapping) and isinstance(spec.get("name"), str) and spec.get("kind", kind) == kind:
            arguments = {key: self._revived(value) for key, value in spec.items() if key not in ("kind", "name")}
            if LAYER_NAME in arguments and kind == "layers":
                arguments["name"] = arguments.pop(LAYER_NAME)
            return _make(self._class_called(kind, spec["name"]), arguments)
        if inspect.isroutine(spec) and kind in FUNCTIONS:
            target, argument = FUNCTIONS[kind]
            return _make(imported(target), {argument: spec})
        actual = kind_of(spec if isinstance(spec, type) else type(spec))
        but = f"which is {article(actual)}" if actual else f"of type {type(spec).__name__}"
        raise ParameterError(
            f"{article(kind)} is needed: an instance or subclass of {base.__name__}, one of the names "
            f"{', '.join(self.names(kind))}, or a dict {{'name': ..., arguments}}; got {shown(spec)}, {but}"
        )

    def qualified_name(self, kind: str, cls: type) -> str:
        """Like `Catalogue.qualified_name`, with a special error for components made from functions."""
        kind = plural(kind)
        if kind != "callbacks" and kind in FUNCTIONS and FUNCTIONS[kind][0] == target_of(cls):
            others = ", or set net.schedule = None once the fit is over" if kind == "schedules" else ""
            raise UnknownComponentError(
                f"{cls.__name__} holds a function, which cannot be saved to a file: write a subclass of {BASES[kind].__name__} instead and "
                f"register it (nncore.register){others}"
            )
        return super().qualified_name(kind, cls)

    def _revived(self, value: object) -> object:
        if isinstance(value, Mapping) and value.get("kind") in KINDS and "name" in value:
            return self.resolve(value["kind"], value)
        if isinstance(value, list):
            return [self._revived(item) for item in value]
        return value

    def config_of(self, kind: str, instance: Configurable) -> dict[str, Any]:
        """Describe an instance as JSON can hold it; `resolve` makes an equal instance from it.

        Returns
        -------
        dict
            ``{"name": ..., **arguments}``; a component among the arguments is a dict of the same form with its ``"kind"`` added.

        Raises
        ------
        UnknownComponentError
            If its class is not registered.
        ParameterError
            If JSON cannot hold an argument.
        """
        name = self.qualified_name(kind, type(instance))
        arguments = instance.config()
        given = arguments.pop("name", None) if "name" in type(instance).common else None
        reserved = {"kind", "name", LAYER_NAME} & arguments.keys()
        if reserved:
            raise PluginError(f"{type(instance).__name__} has an argument called {reserved.pop()!r}, which descriptions use: rename it")
        described = {key: self._described(value, f"{type(instance).__name__}.{key}") for key, value in arguments.items()}
        return {"name": name, **described} | ({} if given is None else {LAYER_NAME: given})

    def _described(self, value: object, where: str) -> Any:
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
            return value.tolist()
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, Configurable) and (kind := kind_of(type(value))):
            return {"kind": kind, **self.config_of(kind, value)}
        if isinstance(value, type) and (kind := kind_of(value)):
            return {"kind": kind, "name": self.qualified_name(kind, value)}
        if isinstance(value, (list, tuple)):
            return [self._described(item, where) for item in value]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {key: self._described(item, where) for key, item in value.items()}
        raise ParameterError(f"{where} = {value!r:.200} cannot be written to a file: use numbers, strings, lists, dicts or components")


def _make(cls: type[Configurable], arguments: dict[str, Any]) -> Any:
    """``cls(**arguments)``, with an error that lists the valid arguments."""
    if not cls.arguments.can_be(arguments):
        signature = inspect.signature(cls)
        try:
            signature.bind(**arguments)
        except TypeError as error:
            names = ", ".join(name for name in signature.parameters)
            takes = f"its arguments are {names}" if names else "it takes no arguments"
            raise ParameterError(f"{cls.__name__}: {error}; {takes}") from None
    return cls(**arguments)


#: Registrations of this process. They outlive the registry, which `reload` makes anew.
RUN_TIME = RunTimeRegistrations()

_default: Registry | None = None
_lock = threading.RLock()
_discovering = False


def _after_fork() -> None:
    """The child of a fork has one thread, so a lock of another thread would never be released."""
    global _lock, _discovering
    _lock, _discovering = threading.RLock(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def installed() -> Registry:
    """The registry of everything installed, made at the first call."""
    return _default or _discovered(Policy.from_environment(), again=False)


@contextmanager
def locked() -> Iterator[Registry]:
    """The registry, locked so that no other thread registers anything."""
    registry = installed()
    with _lock:
        yield registry


def _discovered(policy: Policy, *, again: bool) -> Registry:
    global _default, _discovering
    with _lock:
        if _default and not again:
            return _default  # another thread was faster
        if _discovering:
            raise PluginError("a manifest looks up a component while plugins are being discovered: look it up where it is used")
        _discovering = True
        try:
            _default = registry = Registry(policy=policy, run_time=RUN_TIME)
        finally:
            _discovering = False
    for problem in registry.problems_found():
        warn_user(f"{problem}  (`nncore plugins` lists them)", PluginWarning)
    return registry


@explains_calls
def reload(*, only: Collection[str] | None = None, disabled: Collection[str] | None = None) -> None:
    """Search for plugins again, after an installation or to choose among them.

    Parameters
    ----------
    only : collection of str, optional
        Distributions that may load in addition to the built-ins; by default those of ``NNCORE_PLUGINS``.
    disabled : collection of str, optional
        Distributions that may not load; by default those of ``NNCORE_DISABLE_PLUGINS``.
    """
    importlib.invalidate_caches()
    policy = Policy.from_environment()
    policy = replace(policy, only=policy.only if only is None else only, disabled=policy.disabled if disabled is None else disabled)
    _discovered(policy, again=True)


@explains_calls
def get(kind: KindName | str, name: str) -> type[Any]:
    """Get the class of an installed component by name.

    Parameters
    ----------
    kind : str
        ``"optimizers"``, ``"layers"``, ..., or the singular.
    name : str
        Name, ``"lion"``, or name with distribution, ``"nncore-lion/lion"``.

    Returns
    -------
    type
        A subclass of the kind's base class in `nncore.plugin`.
    """
    return installed().get(kind, name)


@explains_calls
def names(kind: KindName | str) -> list[str]:
    """List the names of the installed components of a kind.

    Parameters
    ----------
    kind : str
        ``"optimizers"``, ``"layers"``, ..., or the singular.

    Returns
    -------
    list of str
        The names, sorted.
    """
    return installed().names(kind)


def component(kind: str, name: str) -> Registration:
    """Registration of an installed component: see `Registry.component`."""
    return installed().component(kind, name)


@explains_calls
def plugins() -> PluginList:
    """List all plugins, loaded or not, with their components and problems.

    Returns
    -------
    list of PluginInfo
        The built-ins first; classes registered at run time (`register`) last, as the plugin "this process". It is shown as a table.
    """
    return installed().plugins()


def problems() -> list[PluginProblem]:
    """All problems of the plugins found: see `Registry.problems`."""
    return installed().problems()


def problems_found() -> list[PluginProblem]:
    """Problems found so far: see `Registry.problems_found`."""
    return installed().problems_found()


def resolve(kind: str, spec: object) -> Any:
    """An instance, from an instance, a class, a name or a dict: see `Registry.resolve`."""
    return installed().resolve(kind, spec)


def qualified_name(kind: str, cls: type) -> str:
    """Name of a class for a file: see `Registry.qualified_name`."""
    return installed().qualified_name(kind, cls)


def config_of(kind: str, instance: Configurable) -> dict[str, Any]:
    """Description of an instance that `resolve` turns into an equal one: see `Registry.config_of`."""
    return installed().config_of(kind, instance)

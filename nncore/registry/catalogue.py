"""Finds a component by name, lists them all, and explains one that is not there."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from nncore.contract import Activation, Callback, Component, Configurable, Format, Initializer, Layer, Loss, Metric, Optimizer, Schedule
from nncore.errors import AmbiguousComponentError, MissingExtraError, ParameterError, PluginError, UnknownComponentError
from nncore.registry.discovery import PluginInfo, PluginProblem, Policy, discover, normalised
from nncore.registry.manifest import KINDS
from nncore.registry.plugin_list import PluginList

#: What the components of each kind derive from.
BASES: dict[str, type[Configurable]] = {
    "layers": Layer,
    "activations": Activation,
    "losses": Loss,
    "initializers": Initializer,
    "optimizers": Optimizer,
    "schedules": Schedule,
    "metrics": Metric,
    "callbacks": Callback,
    "formats": Format,
}


@dataclass(frozen=True)
class Registration:
    """A component under its name.

    Attributes
    ----------
    kind : str
    component : Component
    plugin : PluginInfo
        The plugin that provides it.
    """

    kind: str
    component: Component
    plugin: PluginInfo = field(repr=False)

    @property
    def qualified_name(self) -> str:
        """A name that stays right whatever else is installed: bare for a built-in, ``"<distribution>/<name>"`` for a plugin."""
        return self.component.name if self.plugin.built_in else f"{self.plugin.distribution}/{self.component.name}"


class Catalogue:
    """All components of a set of plugins, by kind and name.

    Parameters
    ----------
    entry_points : iterable of EntryPoint, optional
        Where to find plugins; default: everything installed.
    policy : Policy, optional
        Which of them may load; default: as the environment says.

    Raises
    ------
    PluginError
        If the built-ins cannot be loaded, or, under a strict policy, at the first problem.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] | None = None, policy: Policy | None = None) -> None:
        policy = Policy.from_environment() if policy is None else policy
        self._plugins = discover(entry_points, policy)
        self._problems = [plugin.problem for plugin in self._plugins if plugin.problem]
        #: kind → bare name → registrations; the plugins come built-ins first, so a built-in is the first of its list.
        self._registrations: dict[str, dict[str, list[Registration]]] = {kind: {} for kind in KINDS}
        self._classes: dict[tuple[str, str], type[Configurable]] = {}
        for plugin in self._plugins:
            for kind, described in plugin.components:
                self._add(Registration(kind, described, plugin), policy)

    def _add(self, new: Registration, policy: Policy) -> None:
        namesakes = self._registrations[new.kind].setdefault(new.component.name, [])
        what = f"the {noun(new.kind)} {new.component.name!r}"
        if any(old.plugin.distribution == new.plugin.distribution for old in namesakes):
            self._report(new, f"{what} is defined twice; the first definition counts", policy)
            return
        if namesakes and namesakes[0].plugin.built_in:
            self._report(new, f"{what} is built in and cannot be replaced; this one is {new.qualified_name!r}", policy)
        namesakes.append(new)

    def _report(self, registration: Registration, error: str, policy: Policy) -> None:
        plugin = registration.plugin
        problem = PluginProblem(plugin.distribution, plugin.version, plugin.entry, "names", error)
        if policy.strict:
            raise PluginError(str(problem))
        self._problems.append(problem)

    def plugins(self) -> PluginList:
        """Every plugin found, loaded or not; the built-ins first."""
        return PluginList(self._plugins)

    def problems(self) -> list[PluginProblem]:
        """Everything that is wrong with the plugins found."""
        return list(self._problems)

    def names(self, kind: str) -> list[str]:
        """Names that `get` understands, sorted; qualified ones where the bare name means something else, or several things."""
        usable = []
        for name, namesakes in self.of_kind(kind).items():
            bare = len(namesakes) == 1 or namesakes[0].plugin.built_in
            usable += [name] if bare else []
            usable += [registration.qualified_name for registration in namesakes[bare:]]
        return sorted(usable)

    def of_kind(self, kind: str) -> dict[str, list[Registration]]:
        if kind not in self._registrations:
            raise ParameterError(f"there is no kind of component {kind!r}; the kinds are {', '.join(KINDS)}")
        return self._registrations[kind]

    def component(self, kind: str, name: str) -> Registration:
        """The registration of a bare or qualified name; raises like `get` but imports nothing."""
        if not isinstance(name, str):
            raise ParameterError(f"the name of {article(kind)} must be a string, got {name!r}")
        distribution, slash, bare = name.rpartition("/")
        namesakes = self.of_kind(kind).get(bare, [])
        if slash:
            namesakes = [registration for registration in namesakes if registration.plugin.distribution == normalised(distribution)]
        if not namesakes:
            raise UnknownComponentError(self._explain(kind, name))
        if len(namesakes) > 1 and not namesakes[0].plugin.built_in:
            choices = " or ".join(repr(registration.qualified_name) for registration in namesakes)
            raise AmbiguousComponentError(f"several plugins offer the {noun(kind)} {name!r}; ask for {choices}")
        return namesakes[0]

    def _explain(self, kind: str, name: str) -> str:
        """Why there is no such component, and what may be meant."""
        distribution, _, bare = name.rpartition("/")
        parts = [f"there is no {noun(kind)} {name!r}"]
        parts += [f"{bare!r} is {article(other)}" for other in KINDS if bare in self._registrations[other]]
        usable = self.names(kind)
        known = sorted({*usable, *self._registrations[kind]})
        near = difflib.get_close_matches(name.lower(), known) or difflib.get_close_matches(bare.lower(), known)
        if near:
            parts.append(f"did you mean {' or '.join(map(repr, near))}?")
        else:
            parts.append(f"the names are {', '.join(usable)}")
        candidates = [plugin for plugin in self._plugins if not distribution or plugin.distribution == normalised(distribution)]
        for plugin in candidates:
            if plugin.problem:
                parts.append(f"plugin {plugin.distribution} failed to load, it may have provided this: {plugin.problem.error}")
            elif plugin.blocked:
                parts.append(f"plugin {plugin.distribution} is blocked (NNCORE_PLUGINS, NNCORE_DISABLE_PLUGINS), it may provide this")
        if distribution and not candidates:
            parts.append(f"no plugin {normalised(distribution)} is installed")
        return "; ".join(parts)

    def get(self, kind: str, name: str) -> type[Any]:
        """Class of a component, imported at the first call.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        name : str
            ``"adam"``, or ``"<distribution>/<name>"``.

        Raises
        ------
        UnknownComponentError, AmbiguousComponentError
            If no component has that name, or several have.
        PluginError
            If its target cannot be imported or is not a class of that kind.
        """
        registration = self.component(kind, name)
        key = kind, registration.qualified_name
        if key not in self._classes:
            self._classes[key] = _class_of(registration)
        return self._classes[key]

    def qualified_name(self, kind: str, cls: type) -> str:
        """Name of a class for a file: ``"adam"`` for a built-in, ``"<distribution>/<name>"`` for a plugin's.

        Raises
        ------
        UnknownComponentError
            If no plugin provides the class.
        """
        registrations = [registration for namesakes in self.of_kind(kind).values() for registration in namesakes]
        written = f"{cls.__module__}:{cls.__qualname__}"
        for registration in registrations:
            if registration.component.target == written:
                return registration.qualified_name
        # A target may name a re-export of the class; it is then looked for in the plugins of the same package.
        root = cls.__module__.partition(".")[0]
        for registration in registrations:
            if registration.component.target.partition(":")[0].partition(".")[0] == root:
                try:
                    found = self.get(kind, f"{registration.plugin.distribution}/{registration.component.name}")
                except (PluginError, MissingExtraError):
                    continue
                if found is cls:
                    return registration.qualified_name
        raise UnknownComponentError(
            f"{cls.__module__}.{cls.__qualname__} is not registered, so that no file can name it: "
            f"list it in the hook nncore_{kind} of a plugin (nncore.plugin explains how)"
        )


def noun(kind: str) -> str:
    return BASES[kind].__name__.lower() if kind in BASES else kind


def article(kind: str) -> str:
    return f"{'an' if noun(kind)[0] in 'aio' else 'a'} {noun(kind)}"


def kind_of(cls: type) -> str | None:
    return next((kind for kind, base in BASES.items() if issubclass(cls, base)), None)


def imported(target: str) -> Any:
    """What ``"package.module:Class"`` names."""
    module, _, attribute = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


def _class_of(registration: Registration) -> type[Configurable]:
    """The class behind a target, checked to be of its kind."""
    target, base = registration.component.target, BASES[registration.kind]
    who = f"{noun(registration.kind)} {registration.qualified_name!r} of {registration.plugin.distribution} {registration.plugin.version}"
    try:
        found = imported(target)
    except (KeyboardInterrupt, MissingExtraError):
        raise
    except BaseException as error:
        raise PluginError(f"the {who} cannot be imported from {target!r}: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"the {who}: {target!r} is not a subclass of nncore.plugin.{base.__name__}")
    return found

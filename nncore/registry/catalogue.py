"""Find components by name, list them, and explain unknown names."""

from __future__ import annotations

import difflib
import importlib
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import EntryPoint
from typing import Any

from nncore.arguments import plain, shown
from nncore.contract import (
    Activation,
    Callback,
    Collective,
    Configurable,
    Constraint,
    Encoding,
    Exporter,
    Format,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Regularizer,
    Sampler,
    Schedule,
    Transform,
)
from nncore.errors import AmbiguousComponentError, MissingExtraError, ParameterError, PluginError, UnknownComponentError
from nncore.registry.discovery import PluginProblem, Policy, discover, normalised
from nncore.registry.manifest import KINDS
from nncore.registry.plugin_list import PluginList
from nncore.registry.run_time import Registration, RunTimeRegistrations, target_of

#: The base class of each kind of component.
BASES: dict[str, type[Configurable]] = {
    "layers": Layer,
    "activations": Activation,
    "losses": Loss,
    "initializers": Initializer,
    "optimizers": Optimizer,
    "regularizers": Regularizer,
    "constraints": Constraint,
    "schedules": Schedule,
    "samplers": Sampler,
    "transforms": Transform,
    "encodings": Encoding,
    "metrics": Metric,
    "callbacks": Callback,
    "collectives": Collective,
    "formats": Format,
    "exporters": Exporter,
}

#: Kinds that claim suffixes of file names.
CLAIMING = (Format, Exporter)


#: Where `recorded` collects what is looked up, by kind and qualified name.
_record: ContextVar[dict[tuple[str, str], Registration] | None] = ContextVar("record", default=None)


@contextmanager
def recorded() -> Iterator[dict[tuple[str, str], Registration]]:
    """Collect every component that is looked up or described inside the ``with`` block, in this thread, by kind and qualified name."""
    record: dict[tuple[str, str], Registration] = {}
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


class Catalogue:
    """All components of a set of plugins, by kind and name.

    Parameters
    ----------
    entry_points : iterable of EntryPoint, optional
        Entry points of plugins; by default all installed ones.
    policy : Policy, optional
        Which plugins may load; by default as in the environment variables.
    run_time : RunTimeRegistrations, optional
        Classes that were registered at run time; by default none.

    Raises
    ------
    PluginError
        If the built-ins cannot be loaded, or, under a strict policy, at the first problem.
    """

    def __init__(
        self,
        entry_points: Iterable[EntryPoint] | None = None,
        policy: Policy | None = None,
        run_time: RunTimeRegistrations | None = None,
    ) -> None:
        policy = Policy.from_environment() if policy is None else policy
        self._run_time = RunTimeRegistrations() if run_time is None else run_time
        self._strict = policy.strict
        self._plugins = discover(entry_points, policy)
        self._problems = [plugin.problem for plugin in self._plugins if plugin.problem]
        #: kind → bare name → registrations; the plugins come built-ins first, so a built-in is the first of its list.
        self._registrations: dict[str, dict[str, list[Registration]]] = {kind: {} for kind in KINDS}
        self._classes: dict[tuple[str, str], type[Configurable]] = {}
        for plugin in self._plugins:
            for kind, described in plugin.components:
                self._add(Registration(kind, described, plugin))
        #: kind → target → the first registration of it.
        self._by_target: dict[str, dict[str, Registration]] = {kind: {} for kind in KINDS}
        for kind, by_name in self._registrations.items():
            for registration in itertools.chain.from_iterable(by_name.values()):
                self._by_target[kind].setdefault(registration.component.target, registration)

    def _add(self, new: Registration) -> None:
        namesakes = self._registrations[new.kind].setdefault(new.component.name, [])
        if any(old.plugin.distribution == new.plugin.distribution for old in namesakes):
            self._report(new, f"the {singular(new.kind)} {new.component.name!r} is defined twice; the first definition counts")
            return
        namesakes.append(new)  # behind a built-in one, which keeps the bare name, so that new built-ins and plugins do not break each other

    def _report(self, registration: Registration, error: str) -> None:
        plugin = registration.plugin
        problem = PluginProblem(plugin.distribution, plugin.version, plugin.entry, "names", error)
        if self._strict:
            raise PluginError(str(problem))
        self._problems.append(problem)

    def plugins(self) -> PluginList:
        """Every plugin found, loaded or not: the built-ins first, classes registered in this process last."""
        own = self._run_time.plugin()
        return PluginList([*self._plugins, *([] if own is None else [own])])

    def problems(self) -> list[PluginProblem]:
        """All problems of the plugins found. Formats and exporters are imported, since suffixes are attributes of their classes."""
        claiming = [
            namesakes for kind, base in BASES.items() if issubclass(base, CLAIMING) for namesakes in self._registrations[kind].values()
        ]
        for registration in [found for namesakes in claiming for found in namesakes]:
            with suppress(PluginError, MissingExtraError):  # reported to whoever uses the component
                self._class_behind(registration)
        return self.problems_found()

    def problems_found(self) -> list[PluginProblem]:
        """Problems found so far; nothing is imported."""
        return list(self._problems)

    def names(self, kind: str) -> list[str]:
        """Names that `get` accepts, sorted; qualified ones if the bare name is ambiguous or belongs to another component."""
        usable = []
        for name, namesakes in self.of_kind(plural(kind)).items():
            bare = len(namesakes) == 1 or _has_the_bare_name(namesakes[0])
            usable += [name] if bare else []
            usable += [registration.qualified_name for registration in namesakes[bare:]]
        return sorted(usable)

    def of_kind(self, kind: str) -> dict[str, list[Registration]]:
        """All registrations of a kind, by bare name."""
        installed, own = self._registrations[kind], self._run_time.of_kind(kind)
        return installed | {name: [registration, *installed.get(name, [])] for name, registration in own.items()} if own else installed

    def component(self, kind: str, name: str) -> Registration:
        """The registration of a bare or qualified name; raises like `get` but imports nothing."""
        return _noted(self._find(plural(kind), name))

    def _find(self, kind: str, name: str) -> Registration:
        if not isinstance(name, str):
            raise ParameterError(f"the name of {article(kind)} must be a string, got {shown(name)}")
        distribution, slash, bare = name.rpartition("/")
        namesakes = self.of_kind(kind).get(bare, [])
        if slash:
            namesakes = [registration for registration in namesakes if registration.plugin.distribution == normalised(distribution)]
        if not namesakes:
            raise UnknownComponentError(self._explain(kind, name))
        if len(namesakes) > 1 and not _has_the_bare_name(namesakes[0]):
            choices = " or ".join(repr(registration.qualified_name) for registration in namesakes)
            raise AmbiguousComponentError(f"several plugins provide the {singular(kind)} {name!r}; write {choices}")
        return namesakes[0]

    def _explain(self, kind: str, name: str) -> str:
        """Explain that there is no such component, and suggest similar names."""
        distribution, _, bare = name.rpartition("/")
        parts = [f"there is no {singular(kind)} {name!r}"]
        parts += [f"{bare!r} is {article(other)}" for other in KINDS if bare in self.of_kind(other)]
        usable = self.names(kind)
        known = sorted({*usable, *self.of_kind(kind)})
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
            One of `KINDS`, or its singular.
        name : str
            ``"adam"``, or ``"<distribution>/<name>"``.

        Raises
        ------
        UnknownComponentError, AmbiguousComponentError
            If no component has that name, or several have.
        PluginError
            If its target cannot be imported or is not a class of that kind.
        """
        return self._class_called(plural(kind), name)

    def _class_called(self, kind: str, name: str) -> type[Any]:
        return self._class_behind(_noted(self._find(kind, name)))

    def _class_behind(self, registration: Registration) -> type[Any]:
        if registration.cls is not None:
            return registration.cls
        key = registration.kind, registration.qualified_name
        if key not in self._classes:
            cls = _class_of(registration)
            if issubclass(cls, CLAIMING) and not registration.plugin.built_in:
                self._check_suffixes(registration, cls)
            self._classes[key] = cls
        return self._classes[key]

    def _check_suffixes(self, registration: Registration, cls: type[Format | Exporter]) -> None:
        """Report a class that claims a suffix of a built-in one, which `nncore.network` asks first."""
        if taken := sorted(self.built_in_suffixes(registration.kind).intersection(cls.suffixes)):
            what = f"the {singular(registration.kind)} {registration.component.name!r} claims {', '.join(taken)}"
            self._report(registration, f"{what}, which is built in and cannot be replaced; its other suffixes count")

    def built_in_suffixes(self, kind: str) -> set[str]:
        """Suffixes of file names that the built-in formats or exporters claim."""
        built_in = [namesakes[0] for namesakes in self._registrations[kind].values() if namesakes[0].plugin.built_in]
        return {suffix for registration in built_in for suffix in self._class_behind(registration).suffixes}

    def qualified_name(self, kind: str, cls: type) -> str:
        """Name of a class for a file: ``"adam"`` for a built-in or one registered at run time, ``"<distribution>/<name>"`` for a plugin's.

        Raises
        ------
        UnknownComponentError
            If no plugin provides the class, and it was not registered.
        """
        return _noted(self._registration_of(kind, cls)).qualified_name

    def _registration_of(self, kind: str, cls: type) -> Registration:
        kind, target = plural(kind), target_of(cls)
        # Prefer the name of a plugin, which other processes know too; then a name of this very class, then that of its newer version.
        of_plugin = self._by_target[kind].get(target)
        if of_plugin is not None:
            return of_plugin
        own = [registration for registration in self._run_time.of_kind(kind).values() if registration.component.target == target]
        if own:
            return min(own, key=lambda registration: registration.cls is not cls)
        registrations = [registration for namesakes in self.of_kind(kind).values() for registration in namesakes]
        # A target may name a re-export of the class; it is then looked for in the plugins of the same package.
        root = cls.__module__.partition(".")[0]
        for registration in registrations:
            if registration.component.target.partition(":")[0].partition(".")[0] == root:
                try:
                    found = self._class_behind(registration)
                except (PluginError, MissingExtraError):
                    continue
                if found is cls:
                    return registration
        from_a_file = self._run_time.name_in_a_file(kind, cls)
        if from_a_file is not None:
            return from_a_file
        raise UnknownComponentError(
            f"{cls.__module__}.{cls.__qualname__} is not registered, so it cannot be saved to a file: call nncore.register({kind!r}, "
            f"{cls.__name__}), or list it in the hook nncore_{kind} of a plugin (nncore.plugin explains how)"
        )


def _has_the_bare_name(registration: Registration) -> bool:
    """Whether the bare name means this component even if plugins have the name too."""
    return registration.plugin.built_in or registration.plugin.run_time


def _noted(registration: Registration) -> Registration:
    record = _record.get()
    if record is not None:
        record[registration.kind, registration.qualified_name] = registration
    return registration


def plural(kind: str) -> str:
    """The plural of a kind, as in `KINDS`: ``"optimizers"`` for ``"optimizer"`` or ``"optimizers"``."""
    if type(kind) is str and kind in BASES:
        return kind
    kind = plain(kind)
    if not isinstance(kind, str):
        raise ParameterError(f"the kind of a component must be a text, one of {', '.join(KINDS)}, got {shown(kind)}")
    found = next((known for known in KINDS if kind in (known, singular(known))), None)
    if found is None:
        raise ParameterError(f"there is no kind of component {shown(kind)}; the kinds are {', '.join(KINDS)}")
    return found


def singular(kind: str) -> str:
    return BASES[kind].__name__.lower() if kind in BASES else kind


def article(kind: str) -> str:
    return f"{'an' if singular(kind)[0] in 'aeio' else 'a'} {singular(kind)}"


def kind_of(cls: type) -> str | None:
    return next((kind for kind, base in BASES.items() if issubclass(cls, base)), None)


def imported(target: str) -> Any:
    """The object at ``"package.module:Class"``."""
    module, _, attribute = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


def _class_of(registration: Registration) -> type[Configurable]:
    """Import the class of a target, and check that it is of its kind."""
    target, base = registration.component.target, BASES[registration.kind]
    who = (
        f"{singular(registration.kind)} {registration.qualified_name!r} of {registration.plugin.distribution} {registration.plugin.version}"
    )
    try:
        found = imported(target)
    except (KeyboardInterrupt, MissingExtraError):
        raise
    except BaseException as error:
        raise PluginError(f"the {who} cannot be imported from {target!r}: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"the {who}: {target!r} is not a subclass of nncore.plugin.{base.__name__}")
    if issubclass(found, CLAIMING) and not are_suffixes(found.suffixes):
        raise PluginError(f"the {who}: `suffixes` must be a tuple of texts such as '.npz', in lower case, got {shown(found.suffixes)}")
    return found


def are_suffixes(value: object) -> bool:
    """Whether the `suffixes` of a format or an exporter are valid."""
    return isinstance(value, tuple) and all(isinstance(text, str) and text.startswith(".") and text == text.lower() for text in value)

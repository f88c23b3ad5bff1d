"""Find the installed plugins and read their manifests. A plugin that fails is left out and reported; it never stops the host.

pluggy's own loader of entry points is not used: it silently drops one of two plugins with the same entry name, and one failing import
stops everything.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pluggy

from nncore.contract import Component, hookspecs
from nncore.errors import PluginError, ShadowedInstallError
from nncore.registry.manifest import Rejected, isolated, read

#: Entry-point group of all plugins.
GROUP = "nncore"
#: The distribution with the manifest of the built-ins. (``nncore`` on PyPI is another project.)
DISTRIBUTION = "nncore-ml"

_REINSTALL = f"pip uninstall nncore {DISTRIBUTION}, then pip install {DISTRIBUTION}"


@dataclass(frozen=True)
class PluginProblem:
    """Why a plugin, or a name it defines, cannot be used.

    Attributes
    ----------
    distribution, version, entry : str
        The plugin, as in `PluginInfo`.
    stage : {"environment", "metadata", "import", "version", "hooks", "names"}
        When it failed. At "metadata" its name could not be read. At "names" the plugin is loaded, but one of its names, or a suffix of a
        format, cannot be used.
    error : str
        What went wrong, and the remedy if it is known.
    """

    distribution: str
    version: str
    entry: str
    stage: str
    error: str

    def __str__(self) -> str:
        who = " ".join(filter(None, (self.distribution, self.version, self.entry and f"({self.entry})")))
        return f"plugin {who}, {self.stage}: {self.error}"


@dataclass(frozen=True, repr=False)
class PluginInfo:
    """A plugin; its `repr` is a line with the numbers of its components.

    Attributes
    ----------
    distribution : str
        Normalised as in PEP 503: lower case, with dashes.
    version : str
        Version of the distribution.
    entry, module : str
        Name of the entry point, and the module of the manifest.
    components : tuple of (str, Component)
        (kind, component) in the manifest's order; empty if the plugin is blocked or failed.
    problem : PluginProblem or None
        Why it cannot be used.
    built_in : bool
        Whether it belongs to nncore itself.
    blocked : bool
        Whether the user blocked it, so that it was not imported.
    seconds : float
        Time of its import.
    run_time : bool
        Whether it stands for the classes that this process registered (`nncore.register`).
    """

    distribution: str
    version: str
    entry: str
    module: str
    components: tuple[tuple[str, Component], ...] = ()
    problem: PluginProblem | None = None
    built_in: bool = False
    blocked: bool = False
    seconds: float = 0.0
    run_time: bool = False

    def __repr__(self) -> str:
        if self.blocked or self.problem is not None:
            holds = "blocked" if self.blocked else "has a problem"
        else:
            holds = ", ".join(f"{n} {kind}" for kind, n in Counter(kind for kind, _ in self.components).items()) or "empty"
        who = " ".join(filter(None, (self.distribution, self.version, f"({self.entry})")))
        return f"<plugin {who}: {holds}>"


def normalised(distribution: str) -> str:
    """Name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).strip().lower()


@dataclass(frozen=True)
class Policy:
    """Which plugins may load, and what happens if one is broken.

    Attributes
    ----------
    only : collection of str or None
        Distributions that may load; None allows all. The built-ins always load.
    disabled : collection of str
        Distributions that may not.
    strict : bool
        Raise `PluginError` at the first problem instead of leaving the plugin out.
    """

    only: Collection[str] | None = None
    disabled: Collection[str] = ()
    strict: bool = False

    @classmethod
    def from_environment(cls) -> Policy:
        """The policy in ``NNCORE_PLUGINS``, ``NNCORE_DISABLE_PLUGINS`` and ``NNCORE_PLUGINS_STRICT``.

        An empty ``NNCORE_PLUGINS`` allows only the built-ins.
        """
        only = os.environ.get("NNCORE_PLUGINS")
        strict = os.environ.get("NNCORE_PLUGINS_STRICT", "0") not in ("", "0")
        return cls(None if only is None else _listed(only), _listed(os.environ.get("NNCORE_DISABLE_PLUGINS", "")), strict)

    def blocks(self, distribution: str) -> bool:
        """Whether a distribution may not be imported."""
        if distribution == DISTRIBUTION:
            return False
        allowed = self.only is None or distribution in map(normalised, self.only)
        return not allowed or distribution in map(normalised, self.disabled)


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def installed_entry_points() -> tuple[list[EntryPoint], list[PluginProblem]]:
    """The entry points of group `GROUP`, of the first distribution on the path by each name, and unreadable metadata.

    Like ``importlib.metadata.entry_points``, but entry points are parsed only if the group is among them, since parsing those of hundreds
    of distributions is slow. A damaged distribution does not hide the others, and is ignored if it does not name the group.
    """
    found: dict[str, list[EntryPoint]] = {}
    problems: list[PluginProblem] = []
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt")
            if text is not None and f"[{GROUP}]" in text:
                found.setdefault(_name_of(distribution), list(distribution.entry_points.select(group=GROUP)))
        except Exception as error:  # the file is missing, not UTF-8 or not an INI file; the library may raise anything
            problems.append(_unreadable(distribution, error))
    return [entry_point for entry_points in found.values() for entry_point in entry_points], problems


@dataclass(frozen=True)
class PluginEntry:
    """An entry point of a plugin, before its import; as a string ``"<distribution>:<entry>"``."""

    distribution: str
    version: str
    entry_point: EntryPoint

    def __str__(self) -> str:
        return f"{self.distribution}:{self.entry_point.name}"


def entries_of_plugins() -> list[PluginEntry]:
    """The entry points of all installed plugins, without the built-ins."""
    found = [PluginEntry(*_identity(entry_point.dist), entry_point) for entry_point in installed_entry_points()[0]]
    return [entry for entry in found if entry.distribution != DISTRIBUTION]


def _name_of(distribution: importlib.metadata.Distribution) -> str:
    """The normalised name; raises an error if the metadata lack it."""
    name: str | None = distribution.metadata["Name"]
    if not name:
        raise ValueError("METADATA is missing or gives no name")
    return normalised(name)


def _unreadable(distribution: importlib.metadata.Distribution, error: Exception) -> PluginProblem:
    folder = Path(str(getattr(distribution, "_path", "") or distribution.locate_file("")))  # the only way to find its own folder
    try:
        name = _name_of(distribution)
    except Exception:
        name = normalised(folder.name.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")[0]) or "unknown"
    remedy = f"reinstall it (pip install --force-reinstall --no-deps {name}) or remove the folder"
    what = f"{type(error).__name__}: {error}".strip(": ")
    return PluginProblem(name, "", "", "metadata", f"the metadata in {folder} cannot be read, so it is left out ({what}): {remedy}")


def discover(entry_points: Iterable[EntryPoint] | None = None, policy: Policy | None = None) -> list[PluginInfo]:
    """Find every plugin and load the manifests of those that may load, the built-ins first.

    Parameters
    ----------
    entry_points : iterable of EntryPoint, optional
        By default all installed ones of the group ``nncore``.
    policy : Policy, optional
        By default as in the environment variables.

    Raises
    ------
    PluginError
        If the built-ins cannot be loaded, or, under a strict policy, any plugin.
    ShadowedInstallError
        If PyPI's other distribution named ``nncore`` is installed over this one.
    """
    policy = Policy.from_environment() if policy is None else policy
    found, unreadable = installed_entry_points() if entry_points is None else (entry_points, [])
    named = sorted(
        ((*_identity(entry_point.dist), entry_point) for entry_point in found),
        key=lambda item: (item[0] != DISTRIBUTION, item[0], item[2].name),
    )
    check_install([entry_point for distribution, _, entry_point in named if distribution == DISTRIBUTION])
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins = [_load(manager, distribution, version, entry_point, policy) for distribution, version, entry_point in named]
    problems = unreadable + _missing(policy, {plugin.distribution for plugin in plugins})
    if problems and policy.strict:
        raise PluginError(str(problems[0]))
    return plugins + [PluginInfo(problem.distribution, "", "", "", problem=problem) for problem in problems]


def _identity(distribution: importlib.metadata.Distribution | None) -> tuple[str, str]:
    """Name and version. A damaged installation may have neither, and must not hide the other plugins."""
    if distribution is None:
        return "unknown", "unknown"
    try:
        return _name_of(distribution), str(distribution.version)
    except Exception:
        return "unknown", "unknown"


def check_install(built_in: Collection[EntryPoint], package: Path = Path(__file__).parents[1]) -> None:
    """Raise unless the imported nncore is that of the distribution ``nncore-ml``, and its manifest is registered.

    An editable installation does not list the package's files, so this looks for another owner.
    """
    try:
        other = importlib.metadata.distribution("nncore")
    except importlib.metadata.PackageNotFoundError:
        other = None
    if other is not None and Path(str(other.locate_file("nncore"))).resolve() == package.resolve():
        version = _identity(other)[1]
        raise ShadowedInstallError(
            f"the distribution 'nncore' {version}, another project, is installed in {package}, over {DISTRIBUTION}: {_REINSTALL}"
        )
    if not any(entry_point.name == "builtin" for entry_point in built_in):
        raise PluginError(
            f"nncore is imported from {package}, but the distribution {DISTRIBUTION} is not installed (or damaged), "
            f"so its components cannot be found: pip install {DISTRIBUTION}, or in a source tree pip install -e ."
        )


def _load(manager: pluggy.PluginManager, distribution: str, version: str, entry_point: EntryPoint, policy: Policy) -> PluginInfo:
    plugin = PluginInfo(distribution, version, entry_point.name, entry_point.value, built_in=distribution == DISTRIBUTION)
    if policy.blocks(distribution):
        return replace(plugin, blocked=True)
    start = time.perf_counter()
    try:
        try:
            manifest = isolated("import", entry_point.load)
        finally:
            plugin = replace(plugin, seconds=time.perf_counter() - start)
        return replace(plugin, components=tuple(read(manager, f"{distribution}:{entry_point.name}", manifest)))
    except Rejected as rejected:
        problem = PluginProblem(distribution, version, entry_point.name, rejected.stage, str(rejected))
        if policy.strict or plugin.built_in:
            raise PluginError(str(problem)) from (rejected.__cause__ or rejected)
        return replace(plugin, problem=problem)


def _missing(policy: Policy, found: Collection[str]) -> list[PluginProblem]:
    """Plugins that the user allows or blocks by name, but that are not installed: probably misspelt."""
    problems = []
    for names, what in ((policy.only or (), "allowed by NNCORE_PLUGINS"), (policy.disabled, "blocked by NNCORE_DISABLE_PLUGINS")):
        for name in sorted({*map(normalised, names)} - {*found, DISTRIBUTION}):
            known = {spelt: other for other in [*found, DISTRIBUTION] for spelt in (other, other.removeprefix("nncore-"))}
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {known[near[0]]!r}?" if near else ""
            problems.append(PluginProblem(name, "", "", "environment", f"{what}, but not installed{hint}"))
    return problems

"""Finds the installed plugins and reads their manifests; one that fails is left out and described, it never stops the host.

pluggy's own loader of entry points is not used: it drops one of two plugins with the same entry name without a word, and one
failing import stops everything.
"""

from __future__ import annotations

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
#: The distribution whose manifest holds the built-ins. (``nncore`` on PyPI is somebody else's.)
DISTRIBUTION = "nncore-ml"

_REINSTALL = f"pip uninstall nncore {DISTRIBUTION}, then pip install {DISTRIBUTION}"


@dataclass(frozen=True)
class PluginProblem:
    """Why a plugin, or a name it defines, cannot be used.

    Attributes
    ----------
    distribution, version, entry : str
        Who: as in `PluginInfo`.
    stage : {"environment", "import", "version", "hooks", "names"}
        How far it got. At "names" the plugin is loaded, but one of its names cannot be used as it is written.
    error : str
        What went wrong, and the remedy where it is known.
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
    """One plugin found; shown in a line, with its components counted.

    Attributes
    ----------
    distribution : str
        Normalised as in PEP 503: lower case, with dashes.
    version : str
        Version of the distribution.
    entry, module : str
        The entry point: its name, and the manifest it names.
    components : tuple of (str, Component)
        (kind, component) in the manifest's order; empty if the plugin is blocked or failed.
    problem : PluginProblem or None
        Why it is left out.
    built_in : bool
        Whether it belongs to nncore itself.
    blocked : bool
        Whether it was left out, without being imported, because the user said so.
    seconds : float
        Time its import took.
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

    def __repr__(self) -> str:
        if self.blocked or self.problem is not None:
            holds = "blocked" if self.blocked else "has a problem"
        else:
            holds = ", ".join(f"{n} {kind}" for kind, n in Counter(kind for kind, _ in self.components).items()) or "empty"
        return f"<plugin {self.distribution} {self.version} ({self.entry}): {holds}>"


def normalised(distribution: str) -> str:
    """Name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).strip().lower()


@dataclass(frozen=True)
class Policy:
    """Which plugins may load, and what a broken one does.

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
        """What ``NNCORE_PLUGINS``, ``NNCORE_DISABLE_PLUGINS`` and ``NNCORE_PLUGINS_STRICT`` say.

        ``NNCORE_PLUGINS`` set to nothing allows nothing but the built-ins.
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


def installed_entry_points() -> list[EntryPoint]:
    """The entry points of group `GROUP`, of the first distribution on the path by each name.

    Like ``importlib.metadata.entry_points``, but a distribution's entry points are parsed only if the group is among them: with
    hundreds of distributions installed, parsing is what takes the time.
    """
    found: dict[str, list[EntryPoint]] = {}
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("entry_points.txt")
        if text is not None and f"[{GROUP}]" in text:
            found.setdefault(normalised(distribution.name), list(distribution.entry_points.select(group=GROUP)))
    return [entry_point for entry_points in found.values() for entry_point in entry_points]


def discover(entry_points: Iterable[EntryPoint] | None = None, policy: Policy | None = None) -> list[PluginInfo]:
    """Find every plugin and load the manifests of those that may load, the built-ins first.

    Parameters
    ----------
    entry_points : iterable of EntryPoint, optional
        Default: all installed ones of the group ``nncore``.
    policy : Policy, optional
        Default: as the environment says.

    Raises
    ------
    PluginError
        If the built-ins cannot be loaded, or, under a strict policy, any plugin.
    ShadowedInstallError
        If PyPI's other distribution named ``nncore`` is installed over this one.
    """
    policy = Policy.from_environment() if policy is None else policy
    found = installed_entry_points() if entry_points is None else entry_points
    named = sorted(
        ((*_identity(entry_point), entry_point) for entry_point in found), key=lambda item: (item[0] != DISTRIBUTION, item[0], item[2].name)
    )
    check_install([entry_point for distribution, _, entry_point in named if distribution == DISTRIBUTION])
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins = [_load(manager, distribution, version, entry_point, policy) for distribution, version, entry_point in named]
    return plugins + _missing(policy, {plugin.distribution for plugin in plugins})


def _identity(entry_point: EntryPoint) -> tuple[str, str]:
    """Distribution and version. A damaged installation may have neither, and must not hide the other plugins."""
    distribution = entry_point.dist
    if distribution is None:
        return "unknown", "unknown"
    try:
        return normalised(distribution.name), str(distribution.version)
    except Exception:
        return "unknown", "unknown"


def check_install(built_in: Collection[EntryPoint], package: Path = Path(__file__).parent) -> None:
    """Raise unless the imported nncore is that of the distribution ``nncore-ml``, and its manifest is registered.

    An editable installation does not list the package's files, so what is looked for is another owner.
    """
    try:
        other = importlib.metadata.distribution("nncore")
    except importlib.metadata.PackageNotFoundError:
        other = None
    if other is not None and Path(str(other.locate_file("nncore"))).resolve() == package.resolve():
        raise ShadowedInstallError(
            f"the distribution 'nncore' {other.version}, another project, is installed in {package}, over {DISTRIBUTION}: {_REINSTALL}"
        )
    if not any(entry_point.name == "builtin" for entry_point in built_in):
        raise PluginError(
            f"nncore is imported from {package}, but the distribution {DISTRIBUTION} is not installed (or damaged), "
            f"so that its components cannot be found: pip install {DISTRIBUTION}, or in a source tree pip install -e ."
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


def _missing(policy: Policy, found: Collection[str]) -> list[PluginInfo]:
    """A plugin that the user allows by name but that is not installed: most likely misspelt."""
    missing = sorted({normalised(name) for name in policy.only or ()} - {*found, DISTRIBUTION})
    problems = [PluginProblem(name, "", "", "environment", "allowed by NNCORE_PLUGINS, but not installed") for name in missing]
    if problems and policy.strict:
        raise PluginError(str(problems[0]))
    return [PluginInfo(problem.distribution, "", "", "", problem=problem) for problem in problems]

"""A folder that looks like site-packages to importlib.metadata, to install fixture plugins into without pip."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

from nncore import registry
from nncore.registry import DISTRIBUTION, GROUP, Registry
from nncore.registry.discovery import Policy

PACKAGES = Path(__file__).parent


class FakeSite:
    """A site-packages folder; `open_site` puts it on the path of modules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, *distributions: str) -> None:
        """Install fixture packages of this folder, each named like its distribution."""
        for distribution in distributions:
            shutil.copytree(PACKAGES / distribution, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            self.write_metadata(distribution, {"plugin": distribution.replace("-", "_")})

    def write(self, distribution: str, manifest: str, *, version: str = "1.0") -> None:
        """Install a distribution made of one module with the given source."""
        module = distribution.replace("-", "_").lower()
        (self.folder / f"{module}.py").write_text(f"from nncore.plugin import Component, hookimpl\n{manifest}\n", encoding="utf-8")
        self.write_metadata(distribution, {"plugin": module}, version=version)

    def write_metadata(self, distribution: str, entries: dict[str, str], *, version: str = "1.0", group: str = GROUP) -> None:
        """Write the dist-info folder of a distribution with the given entry points."""
        info = self.folder / f"{re.sub('[-_.]+', '_', distribution)}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8")
        lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        importlib.invalidate_caches()

    def entry_points(self) -> list[EntryPoint]:
        """Entry points of nncore and of this folder, and none of other packages that the tester has installed."""
        found = [point for info in importlib.metadata.distributions(path=[str(self.folder)]) for point in info.entry_points]
        return [point for point in [*importlib.metadata.distribution(DISTRIBUTION).entry_points, *found] if point.group == GROUP]

    def registry(self, policy: Policy | None = None) -> Registry:
        """A registry of the built-ins and the packages here; by default nothing is blocked, whatever the environment contains."""
        return Registry(self.entry_points(), policy or Policy())


@contextmanager
def open_site(folder: Path) -> Iterator[FakeSite]:
    """An empty `FakeSite`; at the end its modules are removed, also from the process's registry."""
    sys.path.insert(0, str(folder))
    try:
        yield FakeSite(folder)
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
        importlib.invalidate_caches()
        registry.reload()

"""Modules that nncore and its plugins import by name when they are first used, which no analysis of imports can see.

Estimators, displays and testing are collected only if the program imports them (``from nncore.estimators import MLPClassifier``), since
they would bring scikit-learn and matplotlib along.
"""

# PyInstaller has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from importlib.metadata import entry_points

from PyInstaller.utils.hooks import collect_data_files, collect_entry_point, collect_submodules, copy_metadata

#: Folders that a frozen program can do without; what they import is large.
LEFT_OUT = ("_pyinstaller", "bench", "cli", "displays", "estimators", "testing")


def _is_needed(module: str) -> bool:
    return module.split(".")[1:2] not in [[folder] for folder in LEFT_OUT]


hiddenimports = collect_submodules("nncore", filter=_is_needed)
datas = collect_data_files("nncore", excludes=["include/**", "scaffold/**"]) + copy_metadata("nncore-ml")

# Plugins are found by their metadata, and their components by names in their manifests.
metadata, manifests = collect_entry_point("nncore")
datas += metadata
hiddenimports += manifests
for package in sorted({point.module.partition(".")[0] for point in entry_points(group="nncore")} - {"nncore"}):
    hiddenimports += collect_submodules(package)
    datas += collect_data_files(package)

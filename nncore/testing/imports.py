"""Check the imports of a plugin in a new interpreter: the manifest must be cheap, and components must not change the processor's mode."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import unittest
from dataclasses import dataclass

from nncore.errors import MissingExtraError
from nncore.registry import PluginInfo
from nncore.testing import subnormals
from nncore.testing.expectations import expect

#: Program for the new interpreter. It prints the modules that the manifest adds to those of nncore.plugin, and why the target or its kernel
#: cannot be imported. It also prints after which of the two imports 5e-324 * 1.0 is 0.
_PROBE = """
import importlib, json, runpy, sys
import nncore.plugin
manifest, target, subnormals = json.loads(sys.argv[1])
before = set(sys.modules)
importlib.import_module(manifest)
added = sorted(set(sys.modules) - before)
subnormals_alive = runpy.run_path(subnormals)["subnormals_alive"]
failed, flushing = None, None if subnormals_alive() else manifest
module, _, attribute = target.partition(":")
try:
    found = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    if getattr(found, "kernel", None) is not None:
        found.kernel.load()
except BaseException as error:
    failed = f"{type(error).__name__}: {error}"
if flushing is None and not subnormals_alive():
    flushing = target
print(json.dumps([added, failed, flushing]))
"""


@dataclass(frozen=True)
class Imported:
    """Result of the imports in a new interpreter.

    Attributes
    ----------
    added : tuple of str
        Modules that the manifest imports in addition to those of `nncore.plugin`.
    failed : str or None
        Why the target cannot be imported on its own.
    flushing : str or None
        The manifest or target after whose import subnormal numbers are flushed to zero.
    """

    added: tuple[str, ...]
    failed: str | None
    flushing: str | None


@functools.cache
def probe(manifest: str, target: str) -> Imported:
    """Import a manifest and then one of its targets, in a new interpreter with the same module path.

    Only one target is imported, since another one may end the interpreter or never finish.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    command = [sys.executable, "-c", _PROBE, json.dumps([manifest, target, subnormals.__file__])]  # importing nncore.testing is slow
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    expect(
        done.returncode == 0, f"importing {manifest} in a fresh interpreter failed with exit code {done.returncode}: {done.stderr[-2000:]}"
    )
    added, failed, flushing = json.loads(done.stdout.splitlines()[-1])
    return Imported(tuple(added), failed, flushing)


def _probe(plugin: PluginInfo, target: str) -> Imported:
    if plugin.run_time:
        raise unittest.SkipTest("it was registered at run time: there is no manifest, and nothing to import")
    return probe(plugin.module.partition(":")[0], target)


def check_manifest_is_light(plugin: PluginInfo, target: str) -> None:
    """Check that the manifest additionally imports only the standard library and its own package, and none of its targets.

    Every lookup of any component imports all installed manifests.
    """
    own = plugin.module.partition(".")[0]
    targets = {component.target.partition(":")[0] for _, component in plugin.components}
    for module in _probe(plugin, target).added:
        root = module.partition(".")[0]
        expect(
            root == own or root in sys.stdlib_module_names,
            f"the manifest {plugin.module} imports {module}: import it in the modules of the components, which load when they are used",
        )
        expect(module not in targets, f"the manifest {plugin.module} imports its component module {module}: a target is a string")


def check_import(plugin: PluginInfo, target: str) -> None:
    """Check that the target can be imported alone, and that neither it nor its kernel makes the processor flush subnormal numbers to
    zero."""
    seen = _probe(plugin, target)
    if seen.failed is not None and seen.failed.startswith(MissingExtraError.__name__):
        raise unittest.SkipTest(seen.failed)
    expect(seen.failed is None, f"{target} cannot be imported on its own: {seen.failed}")
    expect(
        seen.flushing not in (target, plugin.module),
        f"importing {seen.flushing} flushes subnormal numbers to zero in the whole process (5e-324 * 1.0 is then 0): "
        "do not link with -ffast-math or -Ofast",
    )

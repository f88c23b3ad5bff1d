"""What importing a plugin does, seen in a fresh interpreter: the manifest must be cheap, the components must leave the processor alone."""

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

#: Runs in the fresh interpreter. It prints which modules the manifest adds to those of nncore.plugin, and why the target or its kernel
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
    """What a fresh interpreter saw.

    Attributes
    ----------
    added : tuple of str
        Modules that importing the manifest loads beyond those of `nncore.plugin`.
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
    """Import a manifest, then one of its targets, in a fresh interpreter with this one's path.

    One alone: another that ends the interpreter, or never ends its import, is not this one's fault.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    command = [sys.executable, "-c", _PROBE, json.dumps([manifest, target, subnormals.__file__])]  # nncore.testing takes long to import
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
    """The manifest imports, of what is not loaded anyway, only the standard library and its own package, and none of its targets.

    Everybody who looks up any component pays for every installed manifest.
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
    """The target can be imported on its own, and neither it nor its kernel flushes subnormal numbers to zero from then on."""
    seen = _probe(plugin, target)
    if seen.failed is not None and seen.failed.startswith(MissingExtraError.__name__):
        raise unittest.SkipTest(seen.failed)
    expect(seen.failed is None, f"{target} cannot be imported on its own: {seen.failed}")
    expect(
        seen.flushing not in (target, plugin.module),
        f"importing {seen.flushing} flushes subnormal numbers to zero in the whole process (5e-324 * 1.0 is then 0): "
        "do not link with -ffast-math or -Ofast",
    )

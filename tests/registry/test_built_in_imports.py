"""Side effects of importing each built-in component: a fresh interpreter imports the manifest, and each target in a fork."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nncore import registry
from nncore.testing import imports, subnormals

#: Runs in the fresh interpreter: for each target prints why it cannot be imported, or that it flushes subnormal numbers to zero.
FORKS = """
import importlib, os, runpy, sys
import nncore.plugin
manifest, subnormals, *targets = sys.argv[1:]
importlib.import_module(manifest)
alive = runpy.run_path(subnormals)["subnormals_alive"]
assert alive(), manifest
loaded = {target for target in targets if target.partition(":")[0] in sys.modules}
assert not loaded, loaded
for target in targets:
    child = os.fork()
    if child == 0:
        try:
            module, _, attribute = target.partition(":")
            component = getattr(importlib.import_module(module), attribute)
            if getattr(component, "kernel", None) is not None:
                component.kernel.load()
            assert alive(), "flushes subnormal numbers to zero"
        except BaseException as error:
            if type(error).__name__ != "MissingExtraError":
                print(f"{target}: {type(error).__name__}: {error}", flush=True)
                os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        print(f"{target}: ended with {os.waitstatus_to_exitcode(status)}", flush=True)
"""


def test_the_manifest_is_light() -> None:
    plugin = registry.component("layers", "dense").plugin
    _, first = plugin.components[0]
    imports.check_manifest_is_light(plugin, first.target)
    imports.check_import(plugin, first.target)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_every_component_can_be_imported_alone_and_leaves_the_processor_alone() -> None:
    plugin = registry.component("layers", "dense").plugin
    targets = sorted({component.target for _, component in plugin.components})
    assert len(targets) > 100
    arguments = [plugin.module.partition(":")[0], subnormals.__file__, *targets]
    done = subprocess.run([sys.executable, "-c", FORKS, *arguments], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr

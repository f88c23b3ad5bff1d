"""Runs the tests of plugin packages in the source tree, without pip: their folders and metadata go on the path."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from plugin_fixtures.fake_site import FakeSite


def environment_with(projects: Sequence[Path], site: Path) -> dict[str, str]:
    """Environment variables for a process in which packages look installed; `site` is an empty folder for their metadata."""
    for project in projects:
        about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        FakeSite(site).write_metadata(about["name"], about["entry-points"]["nncore"], version=about["version"])
    blocking = {"NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS", "NNCORE_PLUGINS_STRICT"}
    kept = {name: value for name, value in os.environ.items() if name not in blocking}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, [site, *projects]))}


def run_own_tests(projects: Sequence[Path], site: Path) -> str:
    """Run the tests of all packages in a new interpreter; return pytest's output."""
    options = ["-q", "-ra", "-p", "no:cacheprovider", "-W", "error", "--import-mode=importlib"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(str(project / "tests") for project in projects)],
        cwd=site,
        env=environment_with(projects, site),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout

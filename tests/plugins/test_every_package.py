"""Every package in plugins/ tests all its components with the conformance kit, including resuming and teams of threads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGES = sorted(path for path in (Path(__file__).parents[2] / "plugins").iterdir() if path.is_dir())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_component_of_a_package_is_held_against_the_kit(package: Path) -> None:
    sources = [path.read_text(encoding="utf-8") for path in package.glob("nncore_*/*.py")]
    components = {name for source in sources for name in re.findall(r'Component\(\s*"(\w+)"', source)}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (package / "tests").glob("test_*.py"))
    assert components
    assert "Conformance" in tests
    assert {name for name in components if f'"{package.name}/{name}"' not in tests} == set()

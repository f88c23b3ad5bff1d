"""The built documentation."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built pages."""
    folder = Path(__file__).parents[2] / "build" / "docs" / "html"
    assert (folder / "index.html").exists(), "`make docs` builds the pages"
    return folder


@pytest.fixture(scope="session")
def inventory(site: Path) -> dict[str, set[str]]:
    """Everything that the reference describes: names by domain and role (``"py:class"``, ``"c:member"``, ``"std:cmdoption"``)."""
    header, _, compressed = (site / "objects.inv").read_bytes().partition(b"zlib.\n")
    assert header.startswith(b"# Sphinx inventory version 2")
    found: dict[str, set[str]] = {}
    for line in zlib.decompress(compressed).decode().splitlines():
        before, _, _ = line.rpartition(" -1 ") if " -1 " in line else line.rpartition(" 1 ")
        name, _, role = before.rpartition(" ")
        found.setdefault(role, set()).add(name)
    return found

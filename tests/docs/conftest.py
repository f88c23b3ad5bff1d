"""The built documentation."""

from __future__ import annotations

import re
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
    for name, role in re.findall(r"^(.+?) (\w+:\w+) -?\d+ ", zlib.decompress(compressed).decode(), re.MULTILINE):
        found.setdefault(role, set()).add(name)
    return found

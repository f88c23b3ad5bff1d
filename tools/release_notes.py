"""Prints what CHANGELOG.md says of a version, for a release: ``tools/release_notes.py 1.2.3``. Fails if nncore has another version."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(version: str, changelog: str) -> str:
    """The section of a version, without its heading."""
    found = re.search(rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if found is None or not found[1].strip():
        sys.exit(f"CHANGELOG.md says nothing of {version}: run towncrier build --version {version}")
    return found[1].strip()


def main() -> None:
    (version,) = sys.argv[1:]
    source = (ROOT / "nncore" / "__init__.py").read_text(encoding="utf-8")
    (actual,) = re.findall(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    if version != actual:
        sys.exit(f"the tag says {version}, nncore/__init__.py {actual}")
    print(notes(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()

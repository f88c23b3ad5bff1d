"""Files of the repository's root as pages: a comment, ``<!-- file: CONTRIBUTING.md -->``, stands for the file.

Links of the file are made to fit: to other pages of the site, or to the repository. Of the changelog only the releases are taken.
``<!-- changes -->`` stands for what the next release changes, which is in ``changes/``.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
#: Pages that show a file of the root.
PAGES = {
    "CONTRIBUTING.md": "community/contributing.md",
    "CODE_OF_CONDUCT.md": "community/code-of-conduct.md",
    "SECURITY.md": "community/security.md",
    "CHANGELOG.md": "community/changelog.md",
}
_FILE = re.compile(r"^<!-- file: (.+) -->$", re.MULTILINE)
_CHANGES = "<!-- changes -->"
_RELEASES = "<!-- towncrier release notes start -->"


def moved(text: str, page: str) -> str:
    """`text` of a file of the root with links that fit a page of the site."""

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        path, hash_sign, place = target.partition("#")
        if "://" in target or not path:
            return found[0]
        path = PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else "")
        if not path:
            return f"{{repository}}`{words.replace('`', '')} <blob/main/{target}>`"
        return f"[{words}]({PurePosixPath(os.path.relpath(path, Path(page).parent).replace(os.sep, '/'))}{hash_sign}{place})"

    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", link, text)


def unreleased(folder: Path) -> str:
    """The entries of the folders of changes, a topic each, by kind, in the changelog's order; those for authors of plugins are last."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    parts = []
    for topic in settings["section"]:
        kinds = []
        for kind, named in settings["fragment"].items():
            found = [path.read_text(encoding="utf-8").strip() for path in sorted((folder / topic["path"]).glob(f"*.{kind}.md"))]
            found.sort(key=lambda text: text.startswith("For plugin authors"))
            if found:
                kinds.append(f"#### {named['name']}\n\n" + "\n".join("- " + text.replace("\n", "\n  ") for text in found))
        if kinds:
            parts.append("\n\n".join([f"### {topic['name']}", *kinds]))
    return "\n\n".join(parts)


def read(app: Sphinx, page: str, content: list[str]) -> None:
    """Put files in the place of comments."""
    for name in _FILE.findall(content[0]):
        app.env.note_dependency(str(ROOT / name))
        text = (ROOT / name).read_text(encoding="utf-8")
        text = moved(text.partition(_RELEASES)[2] if _RELEASES in text else text, f"{page}.md")
        content[0] = content[0].replace(f"<!-- file: {name} -->", text)
    if _CHANGES in content[0]:
        for path in (ROOT / "changes").rglob("*.md"):
            app.env.note_dependency(str(path))
        content[0] = content[0].replace(_CHANGES, unreleased(ROOT / "changes"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

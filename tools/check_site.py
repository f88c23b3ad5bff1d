"""Checks a built web site: every link inside it leads somewhere, and a browser loads nothing from another host.

    python tools/check_site.py build/docs/html

Links to other sites are counted, and listed with ``--external``; they are not followed.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Attributes whose value a browser loads by itself.
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("embed", "src"), ("object", "data")}
#: Of <link>, those that are loaded.
LOADED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
CSS_URL = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")


@dataclass
class Page(HTMLParser):
    """What one HTML file has: anchors, links, things to load, formulas that could not be typeset."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    broken_formulas: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._in_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.broken_formulas += "katex-error" in given.get("class", "")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        relations = set(given.get("rel", "").split())
        if tag == "link" and relations & LOADED_RELATIONS:
            self.loaded.append(given.get("href", ""))
        self.loaded += [given[name] for element, name in LOADED if element == tag and given.get(name)]
        self.loaded += [
            part.split()[0] for part in given.get("srcset", "").split(",") if part.strip() and not part.strip().startswith("data:")
        ]
        self.loaded += in_css(given.get("style", ""))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loaded += in_css(data)


def in_css(text: str) -> list[str]:
    return [first or second for first, second in CSS_URL.findall(text)]


def is_external(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme not in ("", "data") or bool(parts.netloc)


@dataclass
class Report:
    """What is wrong, a sentence each, and what was looked at."""

    problems: list[str] = field(default_factory=list)
    n_pages: int = 0
    n_internal: int = 0
    external: set[str] = field(default_factory=set)


def check(site: Path) -> Report:
    """Look at every page and style sheet of a site."""
    site = site.resolve()
    pages = {}
    for path in sorted(site.rglob("*.html")):
        if path.relative_to(site).parts[0] != "_static":
            pages[path] = Page()
            pages[path].feed(path.read_text(encoding="utf-8"))
    report = Report(n_pages=len(pages))
    for path, page in pages.items():
        where = path.relative_to(site)
        if page.broken_formulas:
            report.problems.append(f"{where}: {page.broken_formulas} formulas that cannot be typeset")
        for link in page.links:
            if is_external(link):
                report.external.add(link)
            else:
                report.n_internal += 1
                report.problems += [f"{where}: {problem}" for problem in broken(link, path, pages)]
        report.problems += [f"{where}: {problem}" for address in page.loaded for problem in not_loaded(address, path)]
    for path in sorted(site.rglob("*.css")):
        addresses = in_css(path.read_text(encoding="utf-8"))
        report.problems += [f"{path.relative_to(site)}: {problem}" for address in addresses for problem in not_loaded(address, path)]
    return report


def broken(link: str, path: Path, pages: dict[Path, Page]) -> list[str]:
    """What is wrong with a link inside the site."""
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return [f"{link} leads to no file"]
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return [f"{link}: the page has no such place"]
    return []


def not_loaded(address: str, path: Path) -> list[str]:
    """What is wrong with something that a browser loads."""
    parts = urlsplit(address)
    if parts.scheme == "data" or address.startswith("#"):
        return []
    if is_external(address):
        return [f"{address} is loaded from another host"]
    return [] if (path.parent / unquote(parts.path)).exists() else [f"{address} is loaded and does not exist"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--external", action="store_true", help="list the links to other sites")
    arguments = parser.parse_args()
    report = check(arguments.site)
    print(*report.problems, sep="\n", end="\n" if report.problems else "")
    if arguments.external:
        print(*sorted(report.external), sep="\n")
    print(
        f"{report.n_pages} pages, {report.n_internal} internal links, {len(report.external)} external addresses, "
        f"{len(report.problems)} problems"
    )
    return 1 if report.problems or not report.n_pages else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every page of the site, at the width of a phone, in dark mode; the quick run takes only some of the similar pages."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

BUILT = Path(__file__).parents[2] / "build" / "docs" / "html"


#: Number of parts of the pages, for parallel processes; as one part they would still run when all other tests are done.
PARTS = 8
#: Folders of pages that are alike, of which the quick run takes every fourth.
ALIKE = ("decisions", "reference/api")


@pytest.mark.parametrize(
    ("part", "every"), [*((part, 4) for part in range(PARTS)), *(pytest.param(part, 1, marks=pytest.mark.slow) for part in range(PARTS))]
)
def test_every_page(opened, site, part, every):
    watched = opened(f"{site}/index.html", 390, "dark")
    wrong = {}
    pages = [path.relative_to(BUILT) for path in sorted(BUILT.rglob("*.html")) if "_static" not in path.parts]
    assert len(pages) > 100  # the reference alone has more
    alike = [page for page in pages if page.parent.as_posix() in ALIKE]
    assert len(alike) > 100
    chosen = sorted({*pages} - {*alike} | {*alike[::every]})
    for page in map(Path.as_posix, chosen[part::PARTS]):
        watched.page.goto(f"{site}/{page}")
        formulas = [f"formula: {error.get_attribute('title')}" for error in watched.page.locator(".katex-error").all()]
        found = [*watched.overflow(), *watched.axe(), *watched.complaints, *formulas]
        watched.complaints.clear()
        if found:
            wrong[page] = found
    assert wrong == {}

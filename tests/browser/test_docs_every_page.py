"""Every page of the site, at the width of a phone, in dark mode.

The quick run takes only some of the similar pages. It leaves out the contrast of colours, which takes half of the time, since
`test_docs_pages.py` measures it on a page of each kind.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

BUILT = Path(__file__).parents[2] / "build" / "docs" / "html"


#: Number of parts of the pages, for parallel processes; as one part they would still run when all other tests are done.
PARTS = 8
#: Folders of pages that are alike, of which the quick run takes every eighth.
ALIKE = ("decisions", "reference/api")


@pytest.mark.parametrize(
    ("part", "whole"),
    [*((part, False) for part in range(PARTS)), *(pytest.param(part, True, marks=pytest.mark.slow) for part in range(PARTS))],
)
def test_every_page(opened, site, part, whole):
    watched = opened(f"{site}/index.html", 390, "dark")
    wrong = {}
    pages = [path.relative_to(BUILT) for path in sorted(BUILT.rglob("*.html")) if "_static" not in path.parts]
    assert len(pages) > 100  # the reference alone has more
    alike = [page for page in pages if page.parent.as_posix() in ALIKE]
    assert len(alike) > 100
    chosen = sorted({*pages} - {*alike} | {*alike[:: 1 if whole else 8]})
    for page in map(Path.as_posix, chosen[part::PARTS]):
        watched.page.goto(f"{site}/{page}")
        formulas = [f"formula: {error.get_attribute('title')}" for error in watched.page.locator(".katex-error").all()]
        found = [*watched.overflow(), *watched.axe(rules={"color-contrast": {"enabled": whole}}), *watched.complaints, *formulas]
        watched.complaints.clear()
        if found:
            wrong[page] = found
    assert wrong == {}

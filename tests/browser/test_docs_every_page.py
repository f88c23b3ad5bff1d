"""Every page of the site, quickly: at the width of a phone, in the colours that are harder to get right."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

BUILT = Path(__file__).parents[2] / "build" / "docs" / "html"


#: Parts of the pages, for as many processes: one would still be at it when the others are done.
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page(opened, site, part):
    watched = opened(f"{site}/index.html", 390, "dark")
    wrong = {}
    pages = [path.relative_to(BUILT).as_posix() for path in sorted(BUILT.rglob("*.html")) if "_static" not in path.parts]
    assert len(pages) > 100  # the reference alone has more
    for page in pages[part::PARTS]:
        watched.page.goto(f"{site}/{page}")
        formulas = [f"formula: {error.get_attribute('title')}" for error in watched.page.locator(".katex-error").all()]
        found = [*watched.overflow(), *watched.axe(), *watched.complaints, *formulas]
        watched.complaints.clear()
        if found:
            wrong[page] = found
    assert wrong == {}

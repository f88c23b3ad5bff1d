"""Pages of every kind in a browser: on a desktop and a phone, light and dark; the quick run takes two of these four."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

#: A page of each kind, by the name of its picture.
PAGES = {
    "landing": "index.html",
    "start": "start.html",
    "tutorial": "tutorials/digits.html",
    "gallery": "_generated/gallery/index.html",
    "example": "_generated/gallery/theory/plot_02_perceptron.html",
    "guide": "guide/several-targets.html",
    "how-to": "how-to/callbacks.html",
    "digits": "how-to/digits-in-the-browser.html",
    "explanation": "explanation/architecture.html",
    "performance": "explanation/performance.html",
    "comparison": "comparison.html",
    "changelog": "community/changelog.html",
    "contributing": "community/contributing.html",
    "decision": "decisions/0004-registry-in-four-modules.html",
    "reference": "reference/index.html",
    "class": "reference/api/nncore.Sequential.html",
    "estimator": "reference/api/nncore.estimators.MLPClassifier.html",
    "components": "reference/components/optimizers.html",
    "c-interface": "reference/api/plugin.h.html",
    "command-line": "reference/api/command-line.html",
    "transcript": "transcripts/train.html",
}


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (390, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
        pytest.param(390, "light", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", PAGES)
def test_page(opened, site, screenshots, name, width, scheme):
    watched = opened(f"{site}/{PAGES[name]}", width, scheme)
    watched.page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=True)
    assert watched.overflow() == []
    assert watched.axe() == []
    assert watched.complaints == []

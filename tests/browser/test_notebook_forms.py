"""Notebook displays of networks, histories, plugins and estimators, in light and dark mode."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nncore as nn

pytestmark = pytest.mark.browser

#: Background and text colours of JupyterLab's two themes, and a rule of its style sheet that applies to every table.
NOTEBOOK = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Notebook</title>
<style>
:root {{ color-scheme: {scheme} }}
body {{ background: {paper}; color: {ink}; font: 14px/1.5 system-ui, sans-serif; margin: 16px }}
.jp-RenderedHTMLCommon:not(.jp-RenderedMarkdown) td, .jp-RenderedHTMLCommon th {{ text-align: right; max-width: none }}
</style></head><body><main><h1>Notebook</h1>{cells}</main></body></html>"""
THEMES = {"light": ("#ffffff", "rgba(0, 0, 0, 0.87)"), "dark": ("#111111", "rgba(255, 255, 255, 0.87)")}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Objects with a notebook display, by the names of their pictures."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    network = nn.Sequential(nn.Dense(64, activation="relu"), nn.Residual([nn.Dense(64, activation="gelu"), nn.BatchNorm()]), nn.Dense(1))
    history = network.fit(X, X[:, 0], loss="mse", epochs=15, validation=(X, X[:, 0]), progress=False, rng=0)
    return {"network": network, "unbuilt": nn.Sequential(nn.Dense(3)), "history": history, "plugins": nn.plugins()}


def notebook(values: list[Any], scheme: str) -> str:
    paper, ink = THEMES[scheme]
    cells = "\n".join(f'<div class="jp-RenderedHTMLCommon">{value._repr_html_()}</div>' for value in values)
    return NOTEBOOK.format(scheme=scheme, paper=paper, ink=ink, cells=cells)


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize("width", [1280, 390])
def test_own_forms(opened, screenshots, shown, width, scheme):
    watched = opened("about:blank", width, scheme)
    watched.page.set_content(notebook(list(shown.values()), scheme))
    watched.page.screenshot(path=screenshots / f"notebook-{width}-{scheme}.png", full_page=True)
    assert watched.overflow() == []
    assert watched.axe() == []
    assert watched.complaints == []


def test_cells_are_aligned_whatever_the_notebook_says(opened, shown):
    page = opened("about:blank").page
    page.set_content(notebook([shown["network"]], "light"))
    cells = page.evaluate("[...document.querySelectorAll('tbody tr:first-child td')].map(e => getComputedStyle(e).textAlign)")
    assert cells == ["left", "left", "left", "right", "left", "right", "left"]


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize("width", [1280, 390])
def test_estimators_are_shown_by_scikit_learn(opened, screenshots, width, scheme):
    pytest.importorskip("sklearn")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from nncore.estimators import MLPClassifier, Perceptron

    X, y = np.eye(4), np.array([0, 0, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five epochs are too few to converge
        fitted = MLPClassifier(hidden_layer_sizes=(8,), max_iter=5, random_state=0).fit(X, y)
    watched = opened("about:blank", width, scheme)
    watched.page.set_content(notebook([fitted, make_pipeline(StandardScaler(), Perceptron())], scheme))
    watched.page.screenshot(path=screenshots / f"estimators-{width}-{scheme}.png", full_page=True)
    assert watched.overflow() == []
    assert watched.axe() == []
    assert watched.complaints == []

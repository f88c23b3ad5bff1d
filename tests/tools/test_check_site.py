"""The link checker finds broken links, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "check_site.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="a source tree")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_site", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "style.css").write_text('@import "other.css"; a { background: url("data:image/png;base64,AA") }')
    (tmp_path / "other.css").write_text("")
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="style.css?v=1"><h1 id="top">A</h1><a href="sub/">B</a><a href="#top">C</a>'
    )
    (tmp_path / "sub" / "index.html").write_text('<a href="../index.html#top">D</a><a href="https://example.org/x">E</a>')
    return tmp_path


def test_a_sound_site(script: ModuleType, site: Path) -> None:
    report = script.check(site)
    assert report.problems == []
    assert (report.n_pages, report.n_internal, report.external) == (2, 3, {"https://example.org/x"})


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="nowhere.html">', "nowhere.html leads to no file"),
        ('<a href="index.html#gone">', "index.html#gone: the page has no such place"),
        ('<a href="#gone">', "#gone: the page has no such place"),
        ('<script src="https://cdn.example.org/x.js"></script>', "https://cdn.example.org/x.js is loaded from another host"),
        ('<link rel="preload" href="//fonts.example.org/f">', "//fonts.example.org/f is loaded from another host"),
        ('<img src="lost.png">', "lost.png is loaded and does not exist"),
        ('<img srcset="lost.png 2x">', "lost.png is loaded and does not exist"),
        ("<style>p { background: url(https://example.org/p.png) }</style>", "https://example.org/p.png is loaded from another host"),
        ('<p style="background: url(lost.png)">', "lost.png is loaded and does not exist"),
        ('<span class="katex-error">x</span>', "1 formulas that cannot be typeset"),
    ],
)
def test_what_is_broken(script: ModuleType, site: Path, html: str, problem: str) -> None:
    (site / "page.html").write_text(html)
    assert script.check(site).problems == [f"page.html: {problem}"]


def test_style_sheets(script: ModuleType, site: Path) -> None:
    (site / "other.css").write_text("@font-face { src: url(font.woff2) }")
    assert script.check(site).problems == ["other.css: font.woff2 is loaded and does not exist"]

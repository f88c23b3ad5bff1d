"""The repository's address is one value in conf.py; while it is None, the pages have no links to it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import nncore as nn

pytestmark = pytest.mark.site  # where Sphinx is installed
DOCS = Path(__file__).parents[2] / "docs"
ADDRESS = "https://example.org/owner/nncore"


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module("repository")
    finally:
        sys.path.remove(str(DOCS / "_ext"))


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        ("nncore.Dense", "nncore/layers/dense.py", nn.Dense),
        ("nncore.Sequential.fit", "nncore/network/sequential.py", inspect.unwrap(nn.Sequential.fit)),
        ("nncore.load", "nncore/network/loading.py", inspect.unwrap(nn.load)),
    ],
)
def test_the_source_of_a_name(extension: ModuleType, name: str, path: str, found: object) -> None:
    lines, first = inspect.getsourcelines(found)  # type: ignore[arg-type]
    assert extension.source_of(ADDRESS, name) == f"{ADDRESS}/blob/main/{path}#L{first}-L{first + len(lines) - 1}"


@pytest.mark.parametrize("name", ["nncore.plugin.ActivationLike", "nncore.nothing", "nncore.plugin.API"])
def test_what_has_no_source(extension: ModuleType, name: str) -> None:
    assert extension.source_of(ADDRESS, name) is None


@pytest.mark.parametrize("address", [None, ADDRESS])
def test_a_small_site_with_and_without_an_address(extension: ModuleType, address: str | None, tmp_path: Path) -> None:
    """A small site is built with and without an address; only pages with a source file get a link to edit them."""
    from sphinx.application import Sphinx

    (tmp_path / "reference" / "api").mkdir(parents=True)
    (tmp_path / "index.md").write_text("# A\n\n{repository}`the tracker <issues>`\n\n```{toctree}\nreference/api/made\n```\n")
    (tmp_path / "reference" / "api" / "made.md").write_text("# Made\n")
    settings = {
        "extensions": ["myst_parser", "repository"],
        "html_theme": "pydata_sphinx_theme",
        "html_theme_options": {"secondary_sidebar_items": ["edit-this-page"]},
        "repository": address,
    }
    out = tmp_path / "out"
    Sphinx(tmp_path, None, out, out, "html", settings, status=None, warning=None, freshenv=True).build()
    index, made = ((out / f"{page}.html").read_text(encoding="utf-8") for page in ("index", "reference/api/made"))
    assert "the tracker" in index
    assert sorted(set(re.findall(rf"{ADDRESS}[\w/.]*", index))) == (
        [ADDRESS, f"{ADDRESS}/edit/main/docs/index.md", f"{ADDRESS}/issues"] if address else []
    )
    assert f"{ADDRESS}/edit" not in made

"""Every application in the gallery runs, and has a title, results, a picture and links."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"
APPLICATIONS = sorted((GALLERY / "applications").glob("*.py"))
every_application = pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.stem)
#: What sphinx-gallery executes.
NAME = re.compile(r"plot_\w+\.py")


@pytest.mark.slow
@every_application
def test_a_page_runs(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for module in re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE):
        pytest.importorskip(module)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::UserWarning", "MPLBACKEND": "agg"}
    process = subprocess.run(
        [sys.executable, "-X", "utf8", str(path)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr
    assert "Warning" not in process.stderr
    assert process.stdout
    assert list(tmp_path.iterdir()) == []


@every_application
def test_a_page_has_a_title_results_a_picture_and_links(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert NAME.fullmatch(path.name), "sphinx-gallery runs only plot_*.py"
    page = ast.parse(text)
    title, underline = (ast.get_docstring(page) or "").splitlines()[:2]
    assert set(underline) == {"="}
    assert len(underline) == len(title)
    assert "plt.show()" in text
    assert re.search(r":(doc|class|func|ref):`", text), "it links to further pages"


@pytest.mark.parametrize("section", ["applications", "theory"])
def test_pages_refer_to_pages_that_are_there(section: str) -> None:
    for path in (GALLERY / section).glob("*.py"):
        for target in re.findall(r":doc:`(?:[^`<]*<)?([^`<>]+)>?`", path.read_text(encoding="utf-8").replace("\n# ", " ")):
            where = ROOT / "docs" / f"{target[1:]}.md" if target[0] == "/" else path.with_name(f"{target}.py")
            assert where.exists(), f"{path.name}: {target}"


def test_every_section_has_pages_and_a_heading() -> None:
    sections = sorted(path.parent for path in GALLERY.glob("*/README.txt"))
    assert [folder.name for folder in sections] == ["applications", "theory"]
    assert all(list(folder.glob("plot_*.py")) for folder in sections)
    assert list(GALLERY.glob("*.py")) == []

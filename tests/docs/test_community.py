"""Community pages state the versions, public modules and citation of pyproject.toml, the reference and CITATION.cff."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest
from pages import table_rows

import nncore as nn

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "community" / "stability.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROWS = {row[0]: row[1] for row in table_rows(PAGE)}


def test_supported_pythons() -> None:
    pythons = re.findall(r"3\.\d+", ROWS["Python"])
    classifiers = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if name.startswith("Programming Language :: Python :: 3.")]
    assert pythons == classifiers
    assert PROJECT["requires-python"] == f">={pythons[0]}"


@pytest.mark.parametrize("name", ["NumPy", "pluggy", "scikit-learn (extra `sklearn`)"])
def test_supported_libraries(name: str) -> None:
    library, _, extra = name.partition(" (extra ")
    required = PROJECT["optional-dependencies"]["sklearn"] if extra else PROJECT["dependencies"]
    lowest = ROWS[name].removesuffix(" and newer")
    assert f"{library.lower()}>={lowest}" in required


def test_every_dependency_has_a_row() -> None:
    names = {re.split("[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names <= {name.lower() for name in ROWS}


def public_modules() -> list[str]:
    """Public modules that the reference describes."""
    tree = ast.parse((ROOT / "docs" / "_ext" / "api_pages.py").read_text(encoding="utf-8"))
    (found,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES")
    return list(ast.literal_eval(found))


def test_public_modules_are_those_of_the_reference() -> None:
    named = {name for where in ROWS.values() for name in re.findall(r"^`(nncore(?:\.\w+)?)`(?!: its)", where)}
    assert named == set(public_modules())
    for name in named - {"nncore.estimators"}:
        assert importlib.import_module(name)


def test_files_that_are_public() -> None:
    for name in re.findall(r"`(nncore/[\w./]+)`", PAGE):
        assert (ROOT / "nncore" / name.removeprefix("nncore/")).is_file() or (ROOT / "nncore" / "include" / name).is_file()


def test_nothing_public_is_named_as_private() -> None:
    assert not [name for name in nn.__all__ if name.startswith("_") and name != "__version__"]


def test_the_entry_for_papers_is_that_of_programs() -> None:
    page = (ROOT / "docs" / "community" / "cite.md").read_text(encoding="utf-8")
    entry = dict(re.findall(r"^  (\w+) += \{+(.+?)\}+,?$", page, re.MULTILINE))
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^(?:  - )?(\w+): (.+)$", cff, re.MULTILINE))
    assert (entry["title"], entry["author"], entry["license"]) == (fields["title"], fields["name"], fields["license"])


def test_files_that_people_look_for_link_to_each_other() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {"CODE_OF_CONDUCT.md", "docs/community/stability.md", "SECURITY.md"} <= set(re.findall(r"\]\(([^)]+)\)", contributing))
    assert "[SECURITY.md](SECURITY.md)" in (ROOT / "CODE_OF_CONDUCT.md").read_text(encoding="utf-8")

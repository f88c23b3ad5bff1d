"""The page on components has a section for each kind, whose class passes the whole conformance kit."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from pages import blocks
from registering import forgetting

from nncore import plugin, registry
from nncore.cli.new_plugin import COMPILED_KINDS, KERNELS
from nncore.registry import singular
from nncore.testing.report import verify

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "write-a-component.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
KINDS = sorted(registry.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_passes_the_kit(kind: str, tmp_path: Path) -> None:
    """Each section's first block passes the kit as a module of its own, since readers copy it and its lines are counted."""
    example = blocks(SECTIONS[singular(kind).capitalize()])[0]
    with forgetting(), contextlib.chdir(tmp_path):
        namespace: dict[str, object] = {"__name__": "example"}
        exec(compile(example.text, f"the {kind} of {PAGE.name}", "exec"), namespace)
        (name,) = [found.name for of_kind, found in run_time_components() if of_kind == kind]
        base = getattr(plugin, singular(kind).capitalize())
        assert any(isinstance(value, type) and issubclass(value, base) for value in namespace.values())
        outcomes = list(verify(kind, name))
    assert {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"} == {}
    assert sum(outcome.status == "ok" for outcome in outcomes) >= 5


def run_time_components() -> list[tuple[str, plugin.Component]]:
    return [found for info in registry.plugins() if info.run_time for found in info.components]


def test_the_contents_lead_to_every_kind() -> None:
    contents = TEXT[: TEXT.index("\n## ")]
    assert sorted(re.findall(r"\[(\w+)\]\(#(\w+)\)", contents)) == sorted(
        (singular(kind).capitalize(), singular(kind)) for kind in registry.KINDS
    )


def test_every_language_has_an_example_that_the_tests_of_packages_build() -> None:
    section = SECTIONS["Compile it"]
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "plugins").glob("test_*.py"))
    packages = re.findall(r"`plugins/(nncore-\w+)` \| ", section)
    for package in packages:
        assert (ROOT / "plugins" / package / "README.md").is_file()
        assert package in tests
    assert {rung.removeprefix("--rung ") for rung in re.findall(r"--rung \w+", section)} == set(KERNELS) - {"numpy"}
    for kind in COMPILED_KINDS:
        assert re.search(rf"\b{re.escape(singular(plural(kind)))}|{plural(kind)}\b", section), kind


def plural(kind: str) -> str:
    return next(kinds for kinds in registry.KINDS if singular(kinds) == kind)

"""The GitHub workflows, as far as their text shows; `make lint` checks their syntax."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="not a clone: a source distribution has no .github")


def test_actions_are_pinned_to_one_commit_each_with_the_version_beside_it() -> None:
    commits: dict[str, set[str]] = {}
    for text in WORKFLOWS.values():
        for used in re.findall(r"uses: (?!\./)(.*)", text):
            found = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", used)
            assert found, used
            commits.setdefault(found[1], set()).add(found[2])
    assert len(commits) > 5
    assert {action: pins for action, pins in commits.items() if len(pins) > 1} == {}


def test_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {target for text in WORKFLOWS.values() for target in re.findall(r"run: make ([a-z-]+)(?: |$)", text, re.MULTILINE)}
    assert {"lint", "asan", "test-slow", "docs-test"} <= named <= set(targets)


def test_tools_have_one_version() -> None:
    text = "\n".join([(ROOT / "pyproject.toml").read_text(encoding="utf-8"), *WORKFLOWS.values()])
    versions: dict[str, set[str]] = {}
    for tool, version in re.findall(r"\b([a-z][a-z-]+)==([\d.]+)", text):
        versions.setdefault(tool, set()).add(version)
    versions.pop("numpy")  # the oldest version that nncore supports
    versions.pop("pluggy")
    assert {"towncrier", "build", "twine", "cibuildwheel"} <= versions.keys()
    assert {tool: found for tool, found in versions.items() if len(found) > 1} == {}


def test_the_oldest_versions_tested_are_those_that_pyproject_promises() -> None:
    promised = re.search(r'^dependencies = \["numpy>=(\S+)", "pluggy>=(\S+)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    tested = re.search(r'with: "numpy==(\S+) pluggy==(\S+)"', WORKFLOWS["test.yml"])
    assert promised
    assert tested
    for oldest, least in zip(tested.groups(), promised.groups(), strict=True):
        assert f"{oldest}.".startswith(f"{least}.")


def test_the_last_job_waits_for_all_others() -> None:
    _, jobs = WORKFLOWS["test.yml"].split("\njobs:\n")
    *others, last = re.findall(r"^  ([a-z-]+):$", jobs, re.MULTILINE)
    assert last == "passed"
    assert re.findall(r"^    needs: \[(.*)\]$", jobs, re.MULTILINE) == [", ".join(others)]

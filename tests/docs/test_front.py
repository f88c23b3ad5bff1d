"""Numbers on the landing page, in the README and in the comparison are those of the benchmark pages and the registry."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from pages import table_rows

from nncore import registry

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BENCHMARKS = DOCS / "benchmarks"
#: Benchmark pages made on a quiet machine.
MACHINES = ("epyc-zen3-2-cores", "epyc-zen4-2-cores", "epyc-zen5-2-cores", "xeon-emerald-rapids-2-cores", "xeon-amx-2-cores")
FRONT = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/index.md")}


def benchmark(name: str) -> str:
    return (BENCHMARKS / f"{name}.md").read_text(encoding="utf-8")


def ranking() -> dict[str, dict[str, str]]:
    """The first ranking of the page on tables: each learner's row."""
    section = re.search(r"^### 6 learners on 23 tables$(.*?)^!\[", benchmark("tabular"), re.DOTALL | re.MULTILINE)
    assert section is not None
    head, _, *rows = table_rows(section[1])
    return {row[0].strip("*"): dict(zip(head, row, strict=True)) for row in rows}


def row_of(page: str, begin: str) -> list[str]:
    """The row whose first cell begins with a text; of a link, its text counts."""
    (row,) = (row for row in table_rows(page) if row[0].lstrip("[").startswith(begin))
    return row


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize("page", FRONT)
@pytest.mark.parametrize(("begin", "column"), [("mean rank on 23 tables", "rank"), ("CPU time of such a fit", "fit, s")])
def test_scores_on_tables(page: str, begin: str, column: str) -> None:
    _, ours, theirs = row_of(FRONT[page], begin)
    found = ranking()
    assert numbers(ours) == [float(found["nncore RealMLP fast"][column])]
    others = ("LightGBM", "HistGradientBoosting", "XGBoost")
    assert [name for name in others if name in theirs] == list(others)
    assert numbers(theirs) == [float(found[name][column]) for name in others]


@pytest.mark.parametrize("page", FRONT)
def test_differences_of_ranks_that_are_not_significant(page: str) -> None:
    said = re.search(r"differences of ranks below ([\d.]+) are not\s+significant", FRONT[page])
    assert said is not None
    assert f"Differences of mean ranks below {said[1]} are not significant" in benchmark("tabular")


def training() -> list[re.Match[str]]:
    """The first lines of each machine's page: training on one thread."""
    counts = r"^- Training: on 1 thread faster than every other library in (\d+) of (\d+) cases"
    ratios = r"\n  - in the geometric mean ([\d.]+) times as fast as torch, ([\d.]+) as jax, ([\d.]+) as sklearn"
    found = [re.search(counts + ratios, benchmark(name), re.MULTILINE) for name in MACHINES]
    return [match for match in found if match is not None]


@pytest.mark.parametrize("page", FRONT)
def test_training_steps(page: str) -> None:
    lines = training()
    said = row_of(FRONT[page], "time of a training step")[2]
    for library, group in (("PyTorch", 3), ("JAX", 4), ("scikit-learn", 5)):
        ratios = [float(line[group]) for line in lines]
        low, high = re.search(rf"{library} ([\d.]+) to ([\d.]+)", said).groups()
        assert (float(low), float(high)) == (round(min(ratios), 1), round(max(ratios), 1)), library
    cases = sum(int(line[2]) for line in lines)
    assert f"in {cases - sum(int(line[1]) for line in lines)} of these {cases} cases" in " ".join(FRONT[page].split())
    assert f"Steps: {len(lines)} machines" in FRONT[page]


@pytest.mark.parametrize("page", FRONT)
def test_dates(page: str) -> None:
    said = " ".join(FRONT[page].split())
    (tables,) = re.findall(r"^\| date \| (.*) \|$", benchmark("tabular"), re.MULTILINE)
    assert f"Tables: Xeon and EPYC, {tables};" in said
    steps = sorted({re.findall(r"^\| date \| (.*) \|$", benchmark(name), re.MULTILINE)[0] for name in MACHINES})
    assert f"machines, {steps[0]} to {steps[-1]}," in said


@pytest.mark.parametrize("page", FRONT)
def test_the_size_of_the_wheel(page: str) -> None:
    limit = re.search(r"^LARGEST_WHEEL = ([\d_]+)$", (ROOT / "tools" / "check_wheels.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert limit is not None
    assert f"< {int(limit[1]) / 1e6:.0f} MB" in row_of(FRONT[page], "dependencies")[1]


def test_a_prediction_in_the_readme() -> None:
    said = re.search(r"one prediction in ([\d.]+) µs", FRONT["README.md"])
    row = next(row for row in table_rows(benchmark("epyc-zen5-2-cores").partition("## Prediction")[2]) if row[:2] == ["4-16-16-3", "1"])
    assert said is not None
    assert float(said[1]) == round(float(row[4]), 2)


def test_losses_in_the_comparison() -> None:
    row = row_of((DOCS / "comparison.md").read_text(encoding="utf-8"), "losses")
    built_in = [name for name in registry.names("losses") if registry.component("losses", name).plugin.built_in]
    assert row[1] == f"{len(built_in)}, yours"


def test_packages_in_the_readme() -> None:
    words = ("ten", "eleven", "twelve", "thirteen", "fourteen")
    packages = len(list((ROOT / "plugins").glob("*/pyproject.toml")))
    assert f"[{words[packages - 10]} packages](plugins/README.md)" in FRONT["README.md"]


def test_both_pages_have_the_same_program_and_table() -> None:
    def parts(page: str) -> tuple[str, list[list[str]]]:
        program = re.search(r"^```python\n(.*?RealMLPClassifier.*?)^```$", page, re.DOTALL | re.MULTILINE)
        assert program is not None
        return (
            "".join(program[1].split()),
            [  # lines of the site are shorter
                row[1:] for row in table_rows(page) if row[0].lstrip("[").startswith(("mean rank", "CPU time", "time of", "dependencies"))
            ],
        )

    readme, landing = (parts(page) for page in FRONT.values())
    assert readme == landing


# ---- files of the repository's root as pages, and the list of versions --------------------------------------------------------


def extension(name: str) -> dict[str, object]:
    pytest.importorskip("sphinx")
    return runpy.run_path(str(DOCS / "_ext" / f"{name}.py"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[c](CODE_OF_CONDUCT.md)", "[c](code-of-conduct.md)"),
        ("[s](docs/community/stability.md#public)", "[s](stability.md#public)"),
        ("[d](docs/decisions/0019-floors.md)", "[d](../decisions/0019-floors.md)"),
        ("[r](RELEASING.md)", "{repository}`r <blob/main/RELEASING.md>`"),
        ("[`changes/`](changes/README.md)", "{repository}`changes/ <blob/main/changes/README.md>`"),
        ("[k](https://keepachangelog.com/en)", "[k](https://keepachangelog.com/en)"),
        ("[here](#style)", "[here](#style)"),
    ],
)
def test_links_of_a_file_of_the_root_fit_its_page(text: str, expected: str) -> None:
    assert extension("root_files")["moved"](text, "community/contributing.md") == expected  # type: ignore[operator]


def test_every_page_of_a_file_is_there() -> None:
    for name, page in extension("root_files")["PAGES"].items():  # type: ignore[attr-defined]
        assert (ROOT / name).is_file()
        assert f"<!-- file: {name} -->" in (DOCS / page).read_text(encoding="utf-8")


def test_the_changelog_begins_with_the_next_release() -> None:
    from types import SimpleNamespace

    app = SimpleNamespace(env=SimpleNamespace(note_dependency=lambda path: None))
    content = [(DOCS / "community" / "changelog.md").read_text(encoding="utf-8")]
    extension("root_files")["read"](app, "community/changelog", content)  # type: ignore[operator]
    assert "towncrier" not in content[0]
    assert "<!--" not in content[0]
    assert re.findall(r"^## (.*)$", content[0], re.MULTILINE)[0] == "Next release"
    assert "### Estimators\n\n#### Added" in content[0]


def test_changes_stand_below_their_topics_and_kinds(tmp_path: Path) -> None:
    for topic in ("estimators", "plugins"):
        (tmp_path / topic).mkdir()
    (tmp_path / "plugins" / "1.fixed.md").write_text("One\nthing.\n")
    (tmp_path / "plugins" / "+a.added.md").write_text("For plugin authors: a hook.\n")
    (tmp_path / "plugins" / "+b.added.md").write_text("Another.\n")
    (tmp_path / "estimators" / "2.changed.md").write_text("A default.\n")
    (tmp_path / "README.md").write_text("No change.\n")
    assert extension("root_files")["unreleased"](tmp_path) == (  # type: ignore[operator]
        "### Estimators\n\n#### Changed\n\n- A default.\n\n"
        "### Plugins\n\n#### Added\n\n- Another.\n- For plugin authors: a hook.\n\n#### Fixed\n\n- One\n  thing."
    )


def test_every_change_has_a_topic_and_a_kind_of_the_changelog() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    topics = {topic["path"]: topic["name"] for topic in settings["section"]}
    readme = (ROOT / "changes" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "changes").rglob("*.md"):
        if path.name != "README.md":
            assert path.parent.relative_to(ROOT / "changes").as_posix() in {topic or "." for topic in topics}, path
            assert path.name.split(".")[-2] in settings["fragment"], path
    for topic, name in topics.items():
        assert not topic or f"| `{topic}/` | {name} |" in readme


@pytest.mark.parametrize(
    ("address", "urls"),
    [(None, ["/"]), ("https://example.org/nncore/", ["https://example.org/nncore/", "https://example.org/nncore/0.1.0/"])],
)
def test_versions_that_are_listed(address: str | None, urls: list[str]) -> None:
    found = extension("versions")["entries"]("0.2.0", ["0.1.0"], address)  # type: ignore[operator]
    assert [entry["url"] for entry in found] == urls
    assert [entry["version"] for entry in found if entry.get("preferred")] == ["0.2.0"]


@pytest.mark.site
def test_a_small_site_has_the_list_of_versions(tmp_path: Path) -> None:
    import json
    import sys

    from sphinx.application import Sphinx

    (tmp_path / "index.md").write_text("# A\n")
    sys.path.insert(0, str(DOCS / "_ext"))
    settings = {
        "extensions": ["myst_parser", "versions"],
        "html_theme": "pydata_sphinx_theme",
        "html_theme_options": {"navbar_end": ["version-switcher"]},
        "templates_path": [str(DOCS / "_templates")],
        "release": "0.2.0",
        "site_address": "https://example.org/nncore",
        "older_versions": ["0.1.0"],
    }
    out = tmp_path / "out"
    try:
        Sphinx(tmp_path, None, out, out, "html", settings, status=None, warning=None, freshenv=True).build()
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    assert [entry["version"] for entry in json.loads((out / "switcher.json").read_text())] == ["0.2.0", "0.1.0"]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "theme_switcher_json_url = 'switcher.json'" in page
    assert '<link rel="canonical" href="https://example.org/nncore/index.html"' in page

"""Twenty tasks of first-time visitors: clicks and minutes to the answer, by search and by links.

A click is a search that is sent, a result or a link. Minutes are the time to read the text before the answer, at 240 words a minute, and
ten seconds a click. If the answer is far down, a click in the page's table of contents leads to its section. `python -m pytest --site
--browser -m browser -s tests/browser/test_newcomers.py` prints the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

pytestmark = pytest.mark.browser

BUILT = Path(__file__).parents[2] / "build" / "docs" / "html"
WORDS_A_MINUTE, SECONDS_A_CLICK = 240, 10
#: Limits: search results looked at, links followed, and minutes for a task.
FIRST_RESULTS, MOST_LINKS, MOST_MINUTES = 5, 3, 2.0


@dataclass(frozen=True)
class Task:
    """A task: its goal, the search query, the pages with the answer, and words of the answer."""

    want: str
    typed: str
    pages: str
    answer: str


TASKS = (
    Task("install it", "install", r"^(guide/install|start)\.html", "pip install"),
    Task(
        "replace scikit-learn's MLPClassifier",
        "MLPClassifier scikit-learn",
        r"^(guide/estimators|migrate/scikit-learn)\.html",
        "MLPClassifier",
    ),
    Task("train on a table with missing values", "missing values", r"^guide/tables\.html", "missing"),
    Task("choose a loss for counts", "choose loss", r"^guide/losses\.html", "poisson"),
    Task("stop before overfitting", "early stopping", r"^guide/training\.html", "early_stopping"),
    Task("tune hyperparameters", "tune hyperparameters", r"^guide/tuning\.html", "learning_rate"),
    Task("learn from imbalanced classes", "imbalanced classes", r"^guide/imbalance\.html", "class_weight"),
    Task("predict intervals", "intervals", r"^guide/uncertainty\.html", "quantile"),
    Task("calibrate probabilities", "calibration", r"^guide/uncertainty\.html", "temperature"),
    Task("predict several targets", "multi-output", r"^guide/several-targets\.html", "targets"),
    Task("limit the threads", "threads", r"^guide/speed\.html", "n_threads"),
    Task("train on a file larger than memory", "larger than memory", r"^guide/larger-than-memory\.html", "memory_limit"),
    Task("train with MPI", "MPI", r"^guide/more-machines\.html", "mpiexec"),
    Task("save and load a model", "save load", r"^guide/deployment\.html", "save("),
    Task("export to ONNX", "export ONNX", r"^how-to/export-onnx-numpy\.html", "onnx"),
    Task("find out which columns matter", "explain predictions", r"^guide/explaining\.html", "permutation_importance"),
    Task("get the same result twice", "reproducibility", r"^guide/reproducibility\.html", "random_state"),
    Task("understand an error", "errors warnings", r"^guide/errors\.html", "NonFiniteError"),
    Task(
        "write an optimizer",
        "custom optimizer",
        r"^(tutorials/your-own-plugin|how-to/write-a-component|_generated/gallery/applications/plot_plugin)\.html",
        "class ",
    ),
    Task("come from PyTorch", "PyTorch migrate", r"^migrate/pytorch\.html", "torch"),
)


#: Number of words between the top of the page, or the heading above, and the first place with these words; null without one.
WORDS_BEFORE = """(answer) => {
    const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
    let text = "", section = 0;
    const count = (part) => part.split(/\\s+/).filter((word) => word).length;
    while (walker.nextNode()) {  // code is marked up in the middle of words
        if (walker.currentNode.parentElement.closest("h2, h3")) section = text.length;
        text += walker.currentNode.data;
        const place = text.indexOf(answer);
        if (place >= 0) return {page: count(text.slice(0, place)), section: count(text.slice(section, place))};
    }
    return null;
}"""


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.want)
def test_a_newcomer_finds_the_answer_by_the_search(task, opened, site):
    watched = opened(f"{site}/index.html")
    page = watched.page
    page.keyboard.press("Control+k")
    page.keyboard.type(task.typed)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q="))
    page.get_by_text(re.compile("Search finished")).wait_for()
    found = page.locator("#search-results ul.search > li > a").evaluate_all("links => links.map((a) => a.getAttribute('href'))")
    places = [number for number, address in enumerate(found) if re.search(task.pages, address)]
    assert places, f"none of {len(found)} results for {task.typed!r}, first {found[:FIRST_RESULTS]}"
    assert places[0] < FIRST_RESULTS, f"{task.typed!r}: result {places[0] + 1}, after {found[: places[0]]}"
    page.locator("#search-results ul.search > li > a").nth(places[0]).click()
    page.wait_for_url(re.compile(task.pages.removeprefix("^")))
    read = page.evaluate(WORDS_BEFORE, task.answer)
    assert read is not None, f"{page.url} does not contain {task.answer!r}"
    # From the top, or from the heading before it, by a click in the page's own table of contents.
    minutes, clicks = min((words / WORDS_A_MINUTE + n * SECONDS_A_CLICK / 60, n) for n, words in ((2, read["page"]), (3, read["section"])))
    by_links = clicks_by_links()[
        min((address for address in clicks_by_links() if re.search(task.pages, address)), key=clicks_by_links().get)
    ]
    print(f"\n| {task.want} | {task.typed} | {places[0] + 1} | {clicks} | {by_links} | {minutes:.1f} |")
    assert by_links <= MOST_LINKS
    assert minutes <= MOST_MINUTES
    assert watched.complaints == []


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href") if tag == "a" else None
        if address and ":" not in address and not address.startswith("#"):
            self.found.append(address.partition("#")[0])


def clicks_by_links() -> dict[str, int]:
    """Number of clicks on links from the landing page to each page, in the order in which pages are found."""
    if not _CLICKS:
        _CLICKS["index.html"] = 0
        waiting = ["index.html"]
        while waiting:
            page = waiting.pop(0)
            parser = _Links()
            parser.feed((BUILT / page).read_text(encoding="utf-8"))
            for address in parser.found:
                target = normpath(join(dirname(page), address))
                if target not in _CLICKS and target.endswith(".html") and (BUILT / target).exists():
                    _CLICKS[target] = _CLICKS[page] + 1
                    if _CLICKS[target] < MOST_LINKS:
                        waiting.append(target)
    return _CLICKS


_CLICKS: dict[str, int] = {}

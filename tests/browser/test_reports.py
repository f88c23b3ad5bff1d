"""The report of ``nncore train`` as a browser shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncore.cli import main

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of classes and one of numbers by cross-validation, of columns with long names."""
    folder = tmp_path_factory.mktemp("reports")
    rng = np.random.default_rng(0)
    length, colour = rng.normal(5, 2, 300), rng.choice(["red", "pink", "a rather long name of a colour that one would not expect"], 300)
    species, price = np.where(length > 5, "rose", "daisy"), 90_000 * length + rng.normal(0, 20_000, 300)
    lines = [f"{a:.3f},{b},{c},{d:.0f}" for a, b, c, d in zip(length, colour, species, price, strict=True)]
    data = folder / "flowers.csv"
    data.write_text("length_of_the_longest_petal_in_centimetres,colour,species,price\n" + "\n".join(lines) + "\n")
    quick = ["--hidden", "8", "--epochs", "12", "--quiet"]
    made = {}
    for target, options in {"species": ["--out", str(folder / "m.nncore")], "price": ["--cv", "2"]}.items():
        made[target] = folder / f"{target}.html"
        assert main(["train", str(data), "--target", target, "--report", str(made[target]), *options, *quick]) == 0
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("target", ["species", "price"])
def test_report(opened, screenshots, reports, target, width, scheme):
    watched = opened(reports[target].as_uri(), width, scheme)
    watched.page.screenshot(path=screenshots / f"report-{target}-{width}-{scheme}.png", full_page=True)
    watched.page.locator("summary").click()
    assert watched.overflow() == []
    assert watched.axe() == []
    assert watched.complaints == []


def test_a_report_follows_the_scheme(opened, reports):
    grounds = [
        opened(reports["species"].as_uri(), scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(245, 247, 250)", "rgb(18, 23, 29)"]


def test_what_is_wider_than_a_phone_is_moved_with_the_keyboard(opened, reports):
    page = opened(reports["species"].as_uri(), 390).page
    block = page.locator("pre").first
    assert block.evaluate("e => e.scrollWidth > e.clientWidth")
    block.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=block.element_handle())

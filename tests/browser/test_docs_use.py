"""Use of the site: search, dark mode, and navigation by keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nncore import registry

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

#: The focused element, its position, and whether it or its picture has an outline or a shadow.
FOCUSED = """() => {
    const element = document.activeElement;
    const styles = [element, ...element.children].map((e) => getComputedStyle(e));
    const ringed = styles.some((s) => (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1) || s.boxShadow !== "none");
    const places = {header: ".bd-header", main: "main", skip: ".skip-link", dialog: "dialog"};
    return {
        tag: element.tagName.toLowerCase(), what: element.outerHTML.slice(0, 120), ringed,
        inside: Object.keys(places).filter((place) => element.closest(places[place])),
    };
}"""


def shows_focus(page, stop) -> bool:
    """Whether the page looks different without the focus."""
    if stop["ringed"]:
        return True
    page.evaluate("window.focused = document.activeElement")
    focused = page.screenshot()
    page.evaluate("window.focused.blur()")
    blurred = page.screenshot()
    page.evaluate("window.focused.focus({focusVisible: true})")
    return focused != blurred


def _first_result(page: Page) -> Locator:
    """The link of the first result, when the search has ended."""
    results = page.locator("#search-results ul.search li a")
    results.first.wait_for()
    page.wait_for_function("!document.querySelector('#search-progress')?.textContent.trim().endsWith('...')")
    return results.first


def test_the_name_of_a_component_leads_to_its_reference(opened, site):
    """Its page is among the first five results, for a class of each kind: guide pages may have the name in a title."""
    page = opened(site).page
    for kind in registry.KINDS:
        name = registry.get(kind, registry.names(kind)[0]).__name__
        page.goto(f"{site}/search.html?q={name}")
        _first_result(page)
        results = page.locator("#search-results ul.search li a").evaluate_all("links => links.map((a) => a.getAttribute('href'))")
        assert any(address.startswith(f"reference/components/{kind}.html") for address in results[:5]), name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_search_leads_to_the_page(opened, site, screenshots, width, scheme):
    watched = opened(f"{site}/search.html?q=Adam", width, scheme)
    page = watched.page
    result = _first_result(page)
    page.screenshot(path=screenshots / f"search-{width}-{scheme}.png")
    assert watched.overflow() == []
    assert watched.axe() == []
    result.click()
    page.wait_for_url(re.compile(r"/reference/components/optimizers\.html"))
    assert page.get_by_text("Adam", exact=False).first.is_visible()
    assert watched.complaints == []


def test_search_without_a_result_says_so(opened, site):
    watched = opened(f"{site}/search.html?q=gibberishword")
    watched.page.get_by_text("did not match any documents").wait_for()
    assert watched.complaints == []


def test_search_opens_by_its_shortcut_and_goes_on_to_the_results(opened, site):
    watched = opened(f"{site}/index.html")
    page = watched.page
    page.keyboard.press("Control+k")
    field = page.locator("dialog[open] input[type=search]")
    field.wait_for()
    assert field.evaluate("e => e === document.activeElement")
    assert watched.axe() == []
    page.keyboard.press("Escape")
    field.wait_for(state="hidden")
    page.keyboard.press("Control+k")
    page.keyboard.type("perceptron")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q=perceptron"))
    page.locator("#search-results ul.search li a").first.wait_for()
    assert watched.complaints == []


def test_the_switch_goes_to_dark_by_the_keyboard_and_the_next_page_remembers(opened, site):
    watched = opened(f"{site}/index.html", scheme="light")
    page = watched.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator(".bd-header .theme-switch-button").first.focus()
    page.keyboard.press("Enter")
    choice = page.locator(".bd-header .theme-change-button[data-mode=dark]").first
    choice.wait_for()
    assert watched.axe() == []
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        if choice.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate(ground) != light
    page.goto(f"{site}/start.html")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert watched.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["index.html", "guide/estimators.html"])
def test_the_list_of_versions_opens_by_the_keyboard(opened, site, address, scheme):
    watched = opened(f"{site}/{address}", scheme=scheme)
    page = watched.page
    button = page.locator(".bd-header .version-switcher__button").first
    entries = page.locator(".bd-header .version-switcher__menu").first.locator("a")
    entries.first.wait_for(state="attached")
    version = button.inner_text().strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", version)
    button.focus()
    page.keyboard.press("Enter")
    entries.first.wait_for()
    assert entries.first.inner_text().strip() == version
    assert entries.first.get_attribute("href").endswith(address)
    assert watched.axe() == []
    assert watched.complaints == []


def test_the_first_stop_of_the_keyboard_skips_to_the_text(opened, site):
    page = opened(f"{site}/start.html").page
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUSED)
    assert "skip" in first["inside"], first
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash === '#main-content'")
    page.keyboard.press("Tab")
    assert "main" in page.evaluate(FOCUSED)["inside"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["index.html", "reference/index.html", "_generated/gallery/theory/plot_02_perceptron.html"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened, site, address, scheme):
    page = opened(f"{site}/{address}", scheme=scheme).page
    places, unseen = set(), []
    for _ in range(400):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["tag"] == "body":  # past the last one
            break
        places.update(stop["inside"])
        if not shows_focus(page, stop):
            unseen.append(stop["what"])
    else:
        pytest.fail("the Tab key never reaches the end of the page")
    assert unseen == []
    assert places >= {"header", "main", "skip"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_menu_of_a_phone_opens_by_the_keyboard(opened, site, screenshots, scheme):
    watched = opened(f"{site}/reference/index.html", 390, scheme)
    page = watched.page
    button = page.locator("button.primary-toggle")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("e => e === document.activeElement"):
            break
    assert shows_focus(page, page.evaluate(FOCUSED))
    page.keyboard.press("Enter")
    menu = page.locator("dialog#pst-primary-sidebar-modal[open]")
    menu.wait_for()
    page.wait_for_timeout(400)  # it has an opening animation
    page.screenshot(path=screenshots / f"menu-390-{scheme}.png")
    page.keyboard.press("Tab")
    assert "dialog" in page.evaluate(FOCUSED)["inside"]
    assert watched.axe() == []
    page.keyboard.press("Escape")
    menu.wait_for(state="hidden")
    assert watched.complaints == []

"""The page that recognises digits: drawn with a mouse, a finger and the keyboard, with a server and from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

PAGE = "how-to/digits-in-the-browser.html"
FILE = Path(__file__).parents[2] / "build" / "docs" / "html" / PAGE
#: Lines in a square of 1x1.
DRAWINGS = {
    1: [[(0.5, 0.1), (0.5, 0.9)]],
    3: [[(0.25, 0.1), (0.7, 0.1), (0.45, 0.42), (0.65, 0.5), (0.72, 0.68), (0.6, 0.85), (0.4, 0.9), (0.25, 0.82)]],
    4: [[(0.5, 0.1), (0.22, 0.6), (0.78, 0.6)], [(0.62, 0.35), (0.62, 0.9)]],
    7: [[(0.22, 0.1), (0.78, 0.1), (0.4, 0.9)]],
}


def draw(page, strokes, scale=1.0, corner=(0.0, 0.0)):
    page.locator("#digit-paper").scroll_into_view_if_needed()
    box = page.locator("#digit-paper").bounding_box()
    for stroke in strokes:
        shares = [(corner[0] + scale * x, corner[1] + scale * y) for x, y in stroke]
        places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in shares]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        page.mouse.up()


def answered(page):
    return page.locator("#digit-answer").inner_text()


def shares(page):
    return [int(text.removesuffix(" %")) for text in page.locator("#digit-bars td").all_inner_texts()]


@pytest.mark.parametrize("source", ["server", "disk"])
def test_digits_that_are_drawn_are_read(opened, request, source):
    address = f"{request.getfixturevalue('site')}/{PAGE}" if source == "server" else FILE.as_uri()
    watched = opened(address)
    page = watched.page
    for digit, strokes in DRAWINGS.items():
        for scale, corner in ((1.0, (0.0, 0.0)), (0.4, (0.5, 0.1))):  # position and size do not matter
            draw(page, strokes, scale, corner)
            assert answered(page).startswith(f"This is a {digit} "), scale
            assert shares(page)[digit] == max(shares(page)) > 50
            assert abs(sum(shares(page)) - 100) <= 5  # rounded
            assert page.locator("#digit-bars .best th").inner_text() == str(digit)
            page.get_by_role("button", name="Clear").click()
            assert answered(page) == "Draw a digit"
            assert shares(page) == [0] * 10
    # A browser fetches nothing from a disk, so the header cannot list the versions there.
    assert [text for text in watched.complaints if source == "server" or "switcher.json" not in text] == []


def test_a_digit_is_drawn_with_the_keyboard(opened, site):
    watched = opened(f"{site}/{PAGE}")
    page = watched.page
    page.get_by_role("application", name="Paper for a digit").focus()
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")  # moves the pen, which is up
    assert answered(page).startswith("This is a 1 ")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert answered(page) == "Draw a digit"
    assert watched.complaints == []


def test_a_finger_draws_instead_of_moving_the_page(chromium, site):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{site}/{PAGE}")
    paper = page.locator("#digit-paper")
    paper.scroll_into_view_if_needed()
    box, before = paper.bounding_box(), page.evaluate("scrollY")
    touch = context.new_cdp_session(page)
    places = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * part} for part in (0.1, 0.3, 0.5, 0.7, 0.9)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.get_by_text("This is a 1").wait_for()
    assert page.evaluate("scrollY") == before
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_with_a_digit(opened, site, screenshots, width, scheme):
    watched = opened(f"{site}/{PAGE}", width, scheme)
    draw(watched.page, DRAWINGS[4])
    watched.page.screenshot(path=screenshots / f"drawn-digit-{width}-{scheme}.png")
    assert watched.overflow() == []
    assert watched.axe() == []
    assert watched.complaints == []

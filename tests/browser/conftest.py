"""One browser for all tests of this folder, a page for each of them, and the built site on a local address."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.chromium import Watched
    from playwright.sync_api import Browser

BUILT = Path(__file__).parents[2] / "build" / "docs"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from browser.chromium import launch
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """A function that opens an address in a new window, `width` pixels wide, in a `scheme` of colours: light or dark."""
    from browser.chromium import Watched

    contexts = []

    def opened(address: str, width: int = 1280, scheme: str = "light") -> Watched:
        context = chromium.new_context(viewport={"width": width, "height": 800 if width > 500 else 844}, color_scheme=scheme)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.goto(address)
        return watched

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Folder for screenshots of pages, to review by eye."""
    folder = BUILT / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Log nothing: the tests check failed requests."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Address of the built documentation."""
    folder = BUILT / "html"
    if not (folder / "index.html").exists():
        raise FileNotFoundError(f"{folder} holds no site: build it with `make docs`")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

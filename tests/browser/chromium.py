"""A page in headless Chromium that records its errors, and checks of pages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response

#: Accessibility rules for pages: WCAG 2.1 at level AA, and axe's best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
#: Where `make` installs it.
AXE = Path(__file__).parents[2] / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"

REMEDY = (
    "these tests need Chromium: apt-get install chromium, brew install --cask chromium, or python -m playwright install chromium; "
    "NNCORE_CHROMIUM=/path/to/it names one that is not on the PATH"
)


def launch(playwright: Playwright) -> Browser:
    """Headless Chromium that reaches no host but this machine; without a Chromium, an error that says how to get it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("NNCORE_CHROMIUM") or next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
    if not Path(found).exists():
        raise FileNotFoundError(f"{found}: {REMEDY}")
    return playwright.chromium.launch(executable_path=found, args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])


class Watched:
    """A page and its hidden errors: console messages, script errors, failed requests, and requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "file", "about") and address.hostname != "127.0.0.1":
            self.complaints.append(f"another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # cancelled because the user opened another page
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def overflow(self) -> list[str]:
        """Elements beyond the right edge of the window that scrolling cannot reach; empty if there are none."""
        return self.page.evaluate(
            """() => {
                const width = document.documentElement.clientWidth;
                const end = (element) => Math.floor(element.getBoundingClientRect().right);
                const excused = (element) => {  // what can be moved sideways, and what only screen readers see
                    for (let e = element; e && e !== document.body; e = e.parentElement) {
                        const style = getComputedStyle(e);
                        const whole = e.querySelector("h1");  // the text as a whole should not have to be moved
                        if (["auto", "scroll"].includes(style.overflowX) && !whole) return true;
                        if (style.clip !== "auto" || style.clipPath !== "none" || style.position === "fixed") return true;
                        if (style.textOverflow === "ellipsis") return true;
                    }
                    return element.ownerSVGElement || !element.checkVisibility({visibilityProperty: true, opacityProperty: true});
                };
                const found = [...document.body.querySelectorAll("*")].filter((e) => end(e) > width && !excused(e))
                    .map((e) => `overflow: ${e.tagName.toLowerCase()}.${e.className} ends at ${end(e)} of ${width}`);
                const whole = document.documentElement.scrollWidth;
                return whole > width ? [`overflow: the page, ${whole} of ${width}`, ...found] : found;
            }"""
        )

    def axe(self, **options: Any) -> list[str]:
        """Violations that axe-core finds: rule, reason and elements."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        run = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"], **options}
        result = self.page.evaluate("(options) => axe.run(document, options)", run)
        found = []
        for violation in result["violations"]:
            for node in violation["nodes"]:
                checks = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
                found.append(f"{violation['id']}: {node['target']} {node['html'][:160]} ({'; '.join(checks)[:300]})")
        return found

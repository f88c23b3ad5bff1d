"""Mends what Sphinx, numpydoc and the theme write that screen readers stumble over; tests/browser finds it."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

#: The arrow that unfolds a part of the sidebar, behind the link that it belongs to.
_ARROW = re.compile(r"(<a [^>]*>)(.*?)(</a>\s*<details[^>]*>\s*<summary)>", re.DOTALL)


#: A signature of a line for each parameter: Sphinx makes it a list of definitions of nothing.
_PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def mended(body: str) -> str:
    """The text of a page, in which a corner of a table that is empty is no header, and lists are what they say."""
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')  # the former is for an <li> only
    body = _PARAMETERS.sub(lambda lines: f'<div class="sig-lines">{lines[1].replace("dd>", "div>")}</div>', body)
    body = re.sub(r'<th class="head([^"]*)">\s*(?:<p>\s*</p>)?\s*</th>', r'<td class="head\1"></td>', body)
    return re.sub(r"</dt>(\s*)</dl>", r"</dt><dd></dd>\1</dl>", body)


def named(navigation: str) -> str:
    """A sidebar whose arrows say what they unfold."""

    def name(match: re.Match[str]) -> str:
        start, link, end = match.groups()
        return f'{start}{link}{end} aria-label="Pages below {re.sub("<[^>]*>", "", link).strip()}">'

    return _ARROW.sub(name, navigation)


def mend_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if "body" in context:
        context["body"] = mended(context["body"])
    navigation = context["generate_toctree_html"]
    context["generate_toctree_html"] = lambda kind, **options: named(str(navigation(kind, **options)))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend_page, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}

r"""Formulas, typeset by KaTeX while the pages are built: what the reader's browser gets are HTML, a style sheet and fonts.

Node runs KaTeX (katex.js beside this file). A formula that KaTeX does not take is a warning. Sphinx lets ``&`` and ``\\`` stand in
``.. math::`` as they are; KaTeX wants them in an environment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parents[2] / "build" / "npm" / "node_modules" / "katex"
#: Environments that are formulas by themselves.
WHOLE = re.compile(r"\s*\\begin\{(align|gather|equation|alignat|multline)")

logger = logging.getLogger(__name__)


class Typesetter:
    """A process of Node, started for the first formula. Each process of a parallel build starts its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def html(self, latex: str, node: nodes.Node, *, display: bool) -> str:
        if self._process is None or self._owner != os.getpid():
            command = ["node", str(Path(__file__).with_name("katex.js")), str(KATEX)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
            self._owner = os.getpid()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"latex": latex, "display": display}), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            logger.warning("%s", answer["error"], location=node)
        return str(answer.get("html", ""))

    def stop(self, app: Sphinx, exception: Exception | None) -> None:
        if self._process is not None:
            self._process.communicate()  # it ends when nothing more comes
            self._process = None


typesetter = Typesetter()


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math") + typesetter.html(node.astext(), node, display=False) + "</span>")
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    text = node.astext()
    if re.search(r"\\\\|&", text) and not WHOLE.match(text):
        text = f"\\begin{{aligned}}{text}\\end{{aligned}}"
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(typesetter.html(text, node, display=True) + "</div>\n")
    raise nodes.SkipNode


def add_style(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    if document is not None and any(document.findall(lambda node: isinstance(node, (nodes.math, nodes.math_block)))):
        app.add_css_file("katex.min.css")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("katex", (visit_math, None), (visit_displaymath, None))
    app.connect("html-page-context", add_style)
    app.connect("build-finished", typesetter.stop)
    return {"parallel_read_safe": True}

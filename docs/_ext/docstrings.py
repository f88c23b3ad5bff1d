"""How the docstrings of nncore are read: they are written for ``help()`` first.

`name` is a link where the reference has that name, else code. ``|d|`` is an absolute value, not a substitution of reStructuredText.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from markup import escaped
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole

#: Where a bare name is looked for, besides the module and class that the docstring is in.
MODULES = ("nncore", "nncore.plugin", "nncore.errors", "nncore.registry", "nncore.estimators", "nncore.displays", "nncore.testing")


def resolve(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, contnode: nodes.Node) -> nodes.Node | None:
    """A name that is nothing in its own module: one of a public module, or plain code."""
    if node.get("reftype") != "name_or_code":
        return None
    python = env.domains["py"]
    for prefix in ("", *(f"{module}." for module in MODULES)):
        candidate = addnodes.pending_xref("", **{"py:module": node.get("py:module"), "py:class": node.get("py:class")})
        target = prefix + node["reftarget"]
        found = python.resolve_xref(env, node["refdoc"], app.builder, "obj", target, candidate, contnode)
        if found is not None:
            return found
    return contnode


def read(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Escape the text of a docstring, and leave its examples and blocks of code alone."""
    block: int | None = None  # indentation of the text before a block of code, or of a prompt
    prompt = False
    for i, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        ends = not line.strip() if prompt else line.strip() and indentation <= (block or 0)
        if block is not None and ends:
            block = None
        if block is None and line.lstrip().startswith(">>>"):
            block, prompt = indentation, True
        if block is None:
            lines[i] = escaped(line)
            if line.rstrip().endswith("::"):
                block, prompt = indentation, False


class NameRole(XRefRole):
    """Remembers the module and the class around it. Docutils calls a default role by no name, so that it gets its type here."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        self.refdomain, self.reftype, self.classes = "", "name_or_code", ["xref"]
        return self.create_xref_node()

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        refnode["py:module"] = env.ref_context.get("py:module")
        refnode["py:class"] = env.ref_context.get("py:class")
        return title, target


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("name", NameRole())
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-docstring", read, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}

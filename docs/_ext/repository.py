"""Links to the repository: to places in it (the role ``{repository}``), to edit a page, and to the source of a name.

All of them follow from one value of conf.py, the address. While it is None, there are none, and the role writes plain text.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import ReferenceRole

ROOT = Path(__file__).parents[2]
BRANCH = "main"
#: Pages that are written while building; the extension that writes a page has its source.
GENERATED = ("_generated/", "reference/api/", "reference/components/")


class RepositoryRole(ReferenceRole):
    """``{repository}`issue tracker <issues>```: a link to that place in the repository."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        address = self.config.repository
        if address is None:
            return [nodes.inline(self.rawtext, self.title)], []
        return [nodes.reference(self.rawtext, self.title, refuri=f"{address}/{self.target}")], []


def source_of(address: str, full_name: str) -> str | None:
    """Where the source of a Python name can be seen: ``…/blob/main/nncore/layers/dense.py#L30-L120``."""
    found: Any = None
    parts = full_name.split(".")
    for i in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:i]))
        except ImportError:
            continue
        break
    try:
        for part in parts[i:]:
            found = getattr(found, part)
        found = inspect.unwrap(getattr(found, "fget", None) or found)
        lines, first = inspect.getsourcelines(found)
        path = Path(inspect.getsourcefile(found) or "").resolve().relative_to(ROOT)
    except (AttributeError, OSError, TypeError, ValueError):  # an alias, a constant, compiled code
        return None
    return f"{address}/blob/{BRANCH}/{path.as_posix()}#L{max(first, 1)}-L{max(first, 1) + len(lines) - 1}"


def configure(app: Sphinx, config: Config) -> None:
    """Tell the theme of the address."""
    address = config.repository
    config.html_theme_options["use_edit_page_button"] = address is not None
    if address is None:
        return
    config.html_context |= {"edit_page_url_template": f"{address}/edit/{BRANCH}/docs/{{{{ file_name }}}}"}
    config.html_theme_options["icon_links"] = [{"name": "Repository", "url": address, "icon": "fa-brands fa-github"}]


def leave_generated_pages(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """No link to edit what has no source of its own."""
    if page.startswith(GENERATED):
        context["theme_use_edit_page_button"] = False


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("repository", None, "env", types=(str, type(None)))
    app.add_role("repository", RepositoryRole())
    app.connect("config-inited", configure)
    app.connect("html-page-context", leave_generated_pages, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

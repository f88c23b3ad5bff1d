"""The list of versions in the header, and the file that it is read from, ``switcher.json`` beside the first page.

Pages ask for the file by a path relative to the site, so the list works at any address and without one. Older sites stand in folders named
after their version, ``0.1.0/``, each with a copy of the newest ``switcher.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

FILE = "switcher.json"


def entries(version: str, older: list[str], address: str | None) -> list[dict[str, Any]]:
    """What the file holds: this version, then older ones, which need an address."""
    root = f"{address.rstrip('/')}/" if address else "/"
    newest = {"version": version, "name": version, "url": root, "preferred": True}
    return [newest, *({"version": one, "name": one, "url": f"{root}{one}/"} for one in older if address)]


def configure(app: Sphinx, config: Config) -> None:
    """Tell the theme of the file. It is written at the end, so the theme cannot check it at the start."""
    config.html_theme_options |= {"switcher": {"json_url": FILE, "version_match": config.release}, "check_switcher": False}
    if config.site_address and not config.html_baseurl:
        config.html_baseurl = f"{config.site_address.rstrip('/')}/"


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        found = entries(app.config.release, app.config.older_versions, app.config.site_address)
        Path(app.outdir, FILE).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("site_address", None, "html", types=(str, type(None)))
    app.add_config_value("older_versions", [], "html", types=(list,))
    app.connect("config-inited", configure)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

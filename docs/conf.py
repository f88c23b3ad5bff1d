"""Configuration of the documentation, which `make docs` builds into build/docs/html."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nncore

#: Where the repository can be seen, "https://github.com/owner/nncore". Pages then link to it, to their own source and to that of each name.
REPOSITORY: str | None = None
#: Where the site can be seen, "https://owner.github.io/nncore".
SITE: str | None = None
#: Versions whose sites are there too, each in a folder of its name, newest first.
OLDER_VERSIONS: list[str] = []

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "nncore"
author = "The nncore developers"
copyright = "2026, The nncore developers"
version = release = nncore.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.githubpages",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # Own ones, in _ext.
    "accessible",
    "api_pages",
    "docstrings",
    "formulas",
    "repository",
    "root_files",
    "versions",
    *(["sphinx.ext.linkcode"] if REPOSITORY else []),
]
repository = REPOSITORY
site_address, older_versions = SITE, OLDER_VERSIONS


def linkcode_resolve(domain: str, info: dict[str, Any]) -> str | None:
    """Where the source of a name can be seen."""
    from repository import source_of

    return source_of(REPOSITORY, f"{info['module']}.{info['fullname']}") if REPOSITORY and domain == "py" and info["module"] else None


exclude_patterns = ["_ext", "gallery", "_static", "_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

# Every reference resolves, or the build fails. Nothing is fetched while building, so that other projects are not linked name by name.
nitpicky = True
nitpick_ignore = {("c:identifier", name) for name in ("int32_t", "int64_t", "uint8_t", "uint32_t", "uint64_t")}
nitpick_ignore |= {("py:class", f"collections.abc.{name}") for name in ("Callable", "Mapping", "Sequence")}  # in what an alias stands for

# -- Python reference: api_pages.py writes the pages, numpydoc reads the docstrings -------------------------------------------------

autodoc_typehints = "none"  # the parameters' types are in the docstrings, in words
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autosummary_generate = False
default_role = "name"  # `Optimizer` in a docstring
add_module_names = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False
_structure = {"GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10", "SS01", "SS03"}
numpydoc_validation_checks = _structure | {"PR02", "PR03", "PR04", "PR05", "PR10"}
numpydoc_validation_exclude = {
    r"\.(ABI_MAJOR|ABI_MINOR|API|TABLES|hookimpl|\w+Like|Constraints|Regularizers|Learned)$"
}  # constants, and types that are written as one

# -- Pages in Markdown --------------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
myst_ref_domains = ["std", "py", "c"]

# -- Examples -----------------------------------------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "_generated/gallery",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": ("_repr_html_",),  # what a notebook would draw, not that ax.legend() is a Legend
    "abort_on_example_error": True,
    "plot_gallery": True,
    "parallel": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
    "thumbnail_size": (400, 280),
    "doc_module": (),
    "backreferences_dir": None,
}

# -- HTML ---------------------------------------------------------------------------------------------------------------------------

copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor what is printed

html_math_renderer = "katex"  # formulas.py
html_theme = "pydata_sphinx_theme"
html_title = "nncore"
html_static_path = ["_static", "../build/npm/static"]  # the latter: KaTeX, put there by make
html_css_files = ["nncore.css"]
html_js_files = ["scrollable.js"]
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
templates_path = ["_templates"]
html_favicon = "_static/logo.svg"
html_sidebars = {"index": [], "start": [], "comparison": [], "faq": [], "glossary": []}
html_search_scorer = str(DOCS / "_static" / "search_scores.js")
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"image_light": "_static/logo.svg", "image_dark": "_static/logo.svg", "text": "nncore"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    "show_prev_next": True,
    "show_toc_level": 1,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "edit-this-page"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

"""Writes the pages of the reference before Sphinx reads any: one a public class or function, one a kind of component, and two of others.

What there is comes from ``__all__`` of the public modules and from the registry, so that a new name or component is in the reference
because it exists.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import c_header
import command_line
from markup import escaped, heading
from sphinx.application import Sphinx

from nncore.plugin import Configurable
from nncore.registry import KINDS, component, get, names
from nncore.registry.catalogue import BASES

#: Public modules, in the order of the reference, and whether each of their names has a page of its own.
MODULES = {
    "nncore": True,
    "nncore.estimators": True,
    "nncore.displays": True,
    "nncore.inspection": False,
    "nncore.datasets": False,
    "nncore.errors": False,
    "nncore.plugin": True,
    "nncore.testing": True,
    "nncore.registry": False,
    "nncore.training": False,
}

#: What other modules of nncore ask of a network, and users need not know.
INTERNAL = {
    "allocate", "begin_average", "change", "end_average", "keep_rest", "program_for_input_gradients", "program_for_link",
    "program_for_prediction", "program_for_training", "rules", "version",
}  # fmt: skip


def public_names(module: ModuleType) -> list[str]:
    """Names of a public module, apart from its version: ``__all__``, or what it defines."""
    exported = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__ and callable(value)
    ]
    return [name for name in exported if not name.startswith("_")]


@functools.cache
def components() -> dict[str, dict[str, type[Configurable]]]:
    """The built-in components of every kind, by name."""
    return {kind: {name: get(kind, name) for name in names(kind) if component(kind, name).plugin.built_in} for kind in KINDS}


@functools.cache
def homes() -> dict[int, str]:
    """The full name under which the reference has an object, by its identity: the shortest one that users may write."""
    found: dict[int, str] = {}
    for module in map(importlib.import_module, MODULES):
        for name in public_names(module):
            value = getattr(module, name)
            if callable(value):
                found.setdefault(id(value), f"{module.__name__}.{name}")
    for kind in components().values():
        for cls in kind.values():
            found.setdefault(id(cls), f"{cls.__module__}.{cls.__name__}")
    return found


def is_method(name: str, value: object) -> bool:
    """Whether users call it; scikit-learn puts ``set_fit_request`` and the like into estimators."""
    public = not name.startswith("_") and name not in INTERNAL
    return public and hasattr(value, "__get__") and not (name.startswith("set_") and name.endswith("_request"))


def methods(cls: type, base: type = object) -> list[str]:
    """Methods and properties that nncore defines for a class and not for `base`, and not for every component."""
    owners = [
        owner for owner in cls.__mro__ if owner.__module__.startswith("nncore") and (owner is not Configurable or cls is Configurable)
    ]
    names = dict.fromkeys(name for owner in owners for name, value in vars(owner).items() if is_method(name, value))
    return [name for name in names if not hasattr(base, name)]


def summary_of(thing: Any) -> str:
    """The first sentence of a docstring."""
    paragraph = (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")
    return escaped(re.split(r"(?<=[.;:])\s", paragraph)[0].rstrip(";:"))


def constant(value: object) -> str:
    """A short value as it is, of a long one its type."""
    return f"``{value!r}``" if len(repr(value)) < 40 else f"a {type(value).__name__}"


def table(rows: Iterator[tuple[str, ...]], head: tuple[str, ...]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n\n"


def object_body(full_name: str, value: Any, *, tell_bases: bool = True) -> str:
    """A class with its methods, a function or a constant. Of methods those that no base class of `nncore.plugin` explains."""
    module, _, name = full_name.rpartition(".")
    body = f".. currentmodule:: {module}\n\n"
    if inspect.ismodule(value):
        return f".. automodule:: {full_name}\n   :members:\n"
    if not inspect.isclass(value):
        return body + f".. auto{'function' if inspect.isroutine(value) else 'data'}:: {name}\n"
    body += f".. autoclass:: {name}\n"
    if tell_bases and documented(value.__bases__):
        body += "   :show-inheritance:\n"
    contract = (base for base in value.__mro__[1:] if homes().get(id(base), "").startswith("nncore.plugin."))
    members = methods(value, next(contract, object))
    return body + (f"   :members: {', '.join(members)}\n" if members else "")


def documented(bases: Iterable[type]) -> list[type]:
    """The bases that a reader can look up."""
    return [base for base in bases if id(base) in homes() or (base.__module__ == "builtins" and base is not object)]


def object_page(full_name: str, value: Any) -> str:
    return heading(full_name.rpartition(".")[2]) + object_body(full_name, value)


def module_page(module: ModuleType, own_pages: bool) -> dict[str, str]:
    """The page that lists a module, and the pages of its names."""
    of_kinds = {id(cls) for kind in components().values() for cls in kind.values()}
    page = heading(module.__name__) + f".. automodule:: {module.__name__}\n   :no-members:\n\n"
    rows, here = [], {}
    for name in public_names(module):
        value = getattr(module, name)
        own = f"{module.__name__}.{name}"
        home = homes().get(id(value), own)
        rows.append((f":py:obj:`~{home}`", summary_of(value) if callable(value) or inspect.ismodule(value) else constant(value)))
        if home == own and id(value) not in of_kinds:
            here[own] = value
    page += table(iter(rows), ("Name", "What it is"))
    if own_pages:
        page += ".. toctree::\n   :hidden:\n\n" + "".join(f"   {name}\n" for name in here)
        return {f"api/{module.__name__}.rst": page} | {f"api/{name}.rst": object_page(name, value) for name, value in here.items()}
    return {f"api/{module.__name__}.rst": page + "\n".join(object_body(name, value) for name, value in here.items())}


def kind_page(kind: str) -> str:
    """All built-in components of a kind: a table, then each with its formula, defaults and source."""
    base = BASES[kind]
    page = heading(kind.capitalize())
    page += f"Base class: :py:class:`nncore.plugin.{base.__name__}`. Where a name is taken, an instance of the class is taken too.\n\n"
    rows = (
        (f':py:class:`"{name}" <{homes()[id(cls)]}>`', escaped(component(kind, name).component.summary))
        for name, cls in components()[kind].items()
    )
    page += table(rows, ("Name", "What it is"))
    for name, cls in components()[kind].items():
        page += heading(name, "-") + object_body(homes()[id(cls)], cls, tell_bases=False) + "\n"
    return page


def pages() -> dict[str, str]:
    """Every page, by its path inside docs/reference."""
    found: dict[str, str] = {}
    for name, own_pages in MODULES.items():
        found |= module_page(importlib.import_module(name), own_pages)
    found |= {f"components/{kind}.rst": kind_page(kind) for kind in KINDS}
    return found | {"api/plugin.h.rst": c_header.page(), "api/command-line.rst": command_line.page()}


def write_pages(app: Sphinx) -> None:
    """Write what changed, and remove what is no longer there."""
    reference = Path(app.srcdir) / "reference"
    wanted = pages()
    for folder in ("api", "components"):
        for path in (reference / folder).glob("*.rst"):
            if path.relative_to(reference).as_posix() not in wanted:
                path.unlink()
    for name, text in wanted.items():
        path = reference / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def name_bases(app: Sphinx, name: str, cls: type, options: object, bases: list[type]) -> None:
    bases[:] = documented(bases)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("autodoc-process-bases", name_bases)
    return {"parallel_read_safe": True}

"""``nncore new-plugin``: write a working plugin package, as a start for your own."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
import tempfile
from pathlib import Path
from string import Template

from nncore.cli.terminal import INDENT, printable, say
from nncore.errors import ParameterError
from nncore.files import write

TEMPLATES = Path(__file__).parents[1] / "scaffold"
#: Kinds of components in the singular, and their plurals in hooks and the registry.
KINDS = {
    "optimizer": "optimizers", "activation": "activations", "loss": "losses", "initializer": "initializers", "layer": "layers",
    "regularizer": "regularizers", "constraint": "constraints", "schedule": "schedules", "sampler": "samplers",
    "transform": "transforms", "encoding": "encodings", "metric": "metrics", "callback": "callbacks", "collective": "collectives",
    "format": "formats", "exporter": "exporters",
}  # fmt: skip
#: The file that holds the kernel on each rung.
KERNELS = {"numpy": None, "numba": "kernel.py", "cython": "kernel.pyx", "c": "kernel.c"}
#: Kinds that can be compiled: those with a table in ``nncore/plugin.h``.
COMPILED_KINDS = ("optimizer", "activation", "loss", "layer", "regularizer", "constraint", "transform", "metric")
#: Names of other modules of a package, which no component may have.
MODULES = ("manifest", "kernel")
LONGEST_NAME = 40


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "new-plugin",
        help="create a plugin package to start from",
        description="Create the folder nncore-NAME: a package with one small component, which installs and passes its tests as it is.",
        allow_abbrev=False,
    )
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help="kind of component: " + ", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help="name of the component: lower case letters, digits and underscores")
    parser.add_argument(
        "--rung",
        choices=KERNELS,
        default="numpy",
        metavar="RUNG",
        help=f"language of the kernel: {', '.join(KERNELS)} (default numpy); c and cython for {', '.join(COMPILED_KINDS)}",
    )
    parser.add_argument("--directory", type=Path, default=Path(), metavar="D", help="existing folder to create it in (default: this one)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    folder = new_plugin(arguments.kind, arguments.name, arguments.rung, arguments.directory)
    # In a form that pip takes for a folder and not for a name on the package index.
    path = folder.as_posix() if folder.is_absolute() else f"./{folder.as_posix()}"
    component = component_name(arguments.name)
    compiled = arguments.rung in ("cython", "c")
    if compiled:
        _say("needs", f"pip install setuptools{' Cython' if arguments.rung == 'cython' else ''}")
    _say("install", f"pip install {'--no-build-isolation ' if compiled else ''}{shlex.quote(path)}")
    _say("test", f"pytest {shlex.quote(path)}")
    _say("change", f"{path}/nncore_{component}/{component}.py")
    return 0


def _say(label: str, text: str) -> None:
    """Print a line without wrapping, so that it can be copied."""
    say(f"{label:<{INDENT}}{printable(text)}")


def new_plugin(kind: str, name: str, rung: str = "numpy", directory: Path = Path()) -> Path:
    """Write the folder ``nncore-<name>``: completely or not at all.

    Parameters
    ----------
    kind : str
        One of `KINDS`: ``"optimizer"``, ``"activation"``, ``"loss"``, …
    name : str
        Name of the component. Dashes become underscores, capitals lower case.
    rung : {"numpy", "numba", "cython", "c"}, default "numpy"
    directory : Path
        Folder to write into.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    ParameterError
        If the name is invalid, there is no template for this rung, `directory` is not a folder, or the new folder exists.
    """
    component = component_name(name)
    _check(kind, component, rung)
    distribution, package = f"nncore-{component.replace('_', '-')}", f"nncore_{component}"
    folder = directory / distribution
    if not directory.is_dir():
        raise ParameterError(f"{directory} is not a folder: make it first, or choose another --directory")
    if folder.exists() or folder.is_symlink():
        raise ParameterError(f"{folder} exists already: remove it, or choose another name or --directory")
    from nncore import __version__

    words = {
        "kind": kind, "kinds": KINDS[kind], "component": component, "class_name": class_name(component),
        "distribution": distribution, "package": package, "version": __version__,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix=".nncore-new-plugin-", dir=directory) as temporary:
        unfinished = Path(temporary) / distribution
        for path, template in _files(kind, component, package, rung).items():
            target = unfinished / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, _filled(template, {kind, rung}, words))
        unfinished.rename(folder)
    return folder


def component_name(name: str) -> str:
    """Component name from any spelling: ``"cosine_lion"`` from ``"Cosine-Lion"`` or ``"nncore-cosine-lion"``."""
    return re.sub(r"[-_.]+", "_", name).lower().removeprefix("nncore_")


def class_name(component: str) -> str:
    """``"CosineLion"``"""
    return "".join(part.capitalize() for part in component.split("_"))


def _check(kind: str, component: str, rung: str) -> None:
    from nncore import plugin, registry

    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", component) or len(component) > LONGEST_NAME:
        raise ParameterError(
            f"the name {component!r} must be a letter, then letters (a to z), digits and single underscores between them, "
            f"{LONGEST_NAME} characters at most"
        )
    built_in = (found for plugin_info in registry.plugins() if plugin_info.built_in for found in plugin_info.components)
    if (KINDS[kind], component) in ((of_kind, found.name) for of_kind, found in built_in):
        raise ParameterError(f"{component!r} is a built-in {kind}, whose name cannot be taken over: choose another name")
    if keyword.iskeyword(component) or keyword.iskeyword(class_name(component)):
        raise ParameterError(f"{component!r} is a word of Python itself and cannot name a module and a class: choose another name")
    if component in MODULES or hasattr(plugin, class_name(component)):
        raise ParameterError(f"{component!r} is reserved by the plugin API of nncore: choose another name")
    if rung != "numpy" and kind not in COMPILED_KINDS:
        raise ParameterError(
            f"nncore/plugin.h has no table for {kind}, so it cannot be compiled as {', '.join(COMPILED_KINDS)} can: leave out --rung {rung}"
        )


def _files(kind: str, component: str, package: str, rung: str) -> dict[str, str]:
    """Each file of the new folder, and its template."""
    files = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": "__init__.py",
        f"{package}/manifest.py": "manifest.py",
        f"{package}/{component}.py": f"{kind}.py",
        f"tests/test_{component}.py": f"{kind}_test.py",
    }
    kernel = KERNELS[rung]
    if kernel is not None:
        files[f"{package}/{kernel}"] = f"{kind}_{kernel}"
    if rung in ("cython", "c"):
        files["setup.py"] = "setup.py"
    return files


def _filled(template: str, conditions: set[str], words: dict[str, str]) -> str:
    """Fill `words` into a template. A line ``%cython c% text`` becomes ``text`` if one of its conditions holds, and is removed
    otherwise."""
    lines = []
    for line in (TEMPLATES / f"{template}.template").read_text(encoding="utf-8").splitlines():
        conditional = re.fullmatch(r"%([a-z ]+)%(?: (.*))?", line)
        if conditional is None:
            lines.append(line)
        elif conditions & set(conditional[1].split()):
            lines.append(conditional[2] or "")
    return Template("\n".join(lines) + "\n").substitute(words)

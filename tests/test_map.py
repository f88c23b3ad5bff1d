"""The map in CONTRIBUTING.md: every module is on it, and what a module imports stands no higher than the module itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Imports inside functions that point up: the door by which components come in by name, loading, and pictures of results.
UPWARDS = {
    ("plugin", "registry"),
    ("persistence", "model"),
    ("history", "displays.learning_curve"),
    ("learning_rate", "displays.learning_rate"),
}


def rows_of_the_map() -> dict[str, int]:
    """Row of each module or package, by its name without ``nncore.``."""
    rows: dict[str, int] = {}
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in lines if line.startswith("| `nncore/")):
        for path in re.findall(r"`([^`]+)`", line.split("|")[1]):
            name = re.sub(r"\.(py|h)$", "", path.removeprefix("nncore/").rstrip("/")).replace("/", ".")
            assert (ROOT / "nncore" / path.removeprefix("nncore/")).exists(), path
            assert rows.setdefault(name, number) == number, f"{path} stands there twice"
    return rows


ROWS = rows_of_the_map()
MODULES = {
    ".".join(path.relative_to(ROOT / "nncore").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "nncore").rglob("*.py"))
    if path.relative_to(ROOT / "nncore").parts[0] not in ("__init__.py", "__main__.py")
}


def row_of(module: str) -> int:
    """The row of a module, or of the package that it is in."""
    return next(row for name, row in ROWS.items() if f"{module}.".startswith(f"{name}."))


def imports(nodes: list[ast.stmt], *, lazily: bool = False) -> Iterator[tuple[str, bool]]:
    """What statements import of nncore, and whether only when a function is called; what is for type checkers alone is left out."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nncore":
            inside = (node.module or "").partition(".")[2]
            names = [f"{inside}.{alias.name}".lstrip(".") for alias in node.names]
            yield from ((name if name in MODULES else inside, lazily) for name in names if name in MODULES or inside)
        for field in ("body", "orelse", "handlers", "finalbody"):
            if not (isinstance(node, ast.If) and field == "body" and "TYPE_CHECKING" in ast.unparse(node.test)):
                yield from imports(getattr(node, field, []), lazily=lazily or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_every_module_is_on_the_map() -> None:
    assert [module for module in MODULES if not any(f"{module}.".startswith(f"{name}.") for name in ROWS)] == []


def test_arrows_point_down() -> None:
    found = set()
    n_imports = 0
    for module, path in MODULES.items():
        for imported, lazily in imports(ast.parse(path.read_text(encoding="utf-8")).body):
            n_imports += 1
            if row_of(imported) < row_of(module):
                assert lazily, f"{module} imports {imported}, which stands above it"
                found.add((module, imported))
    assert found == UPWARDS
    assert n_imports > 500

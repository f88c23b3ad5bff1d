"""The tests themselves: none depends on which other tests ran before it, or in which process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.rglob("test_*.py"))


def assigned(nodes: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_no_test_draws_from_a_generator_that_others_draw_from(path: Path) -> None:
    """What it gets would depend on who drew before. Data of a whole file may be drawn while it is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [(name, value.func) for name, value in assigned(tree.body) if isinstance(value, ast.Call)]
    shared = {name for name, function in calls if ast.unparse(function).endswith("default_rng")}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            inside = list(ast.walk(node))
            own = {argument.arg for inner in inside if isinstance(inner, ast.arguments) for argument in inner.args}
            own |= {name for name, _ in assigned([inner for inner in inside if isinstance(inner, ast.stmt)])}
            used = {inner.id for inner in inside if isinstance(inner, ast.Name)}
            assert not used & shared - own, f"{node.name} draws from the generator of the file: make one in the test"

"""No test depends on other tests, or on the process that it runs in."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from each import each

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.rglob("test_*.py"))


def assigned(nodes: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


@each("path", FILES)
def test_no_test_draws_from_a_generator_that_others_draw_from(path: Path) -> None:
    """Tests do not use a file's generator, whose numbers would depend on earlier tests; data of a file may be drawn at import."""
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


def test_each_case_is_tried_and_named_where_it_fails() -> None:
    tried = []

    @each("a, b", [(1, 2), (3, 4), (5, 6)])
    def test(a: int, b: int, tmp_path: str) -> None:
        tried.append((a, b, tmp_path))
        assert a == 1

    assert [*inspect.signature(test).parameters] == ["tmp_path"]
    with pytest.raises(BaseExceptionGroup, match="2 of 3 cases fail") as failed:
        test(tmp_path="here")
    assert tried == [(1, 2, "here"), (3, 4, "here"), (5, 6, "here")]
    assert [error.__notes__ for error in failed.value.exceptions] == [["with a=3, b=4"], ["with a=5, b=6"]]

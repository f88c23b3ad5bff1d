"""Migration guides: every name in their tables exists, and their programs print the output shown.

Our program runs with the page, in `test_pages.py`. The other library's stands in a ``{code-block}``, which is run here where that library
is installed (see .ci/run), and its names are looked up there.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import io
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import check_output

import nncore as nn
from nncore.words import ARGUMENTS, BUILT_IN, MEMBERS, NAMES, REMEDIES

os.environ.setdefault("KERAS_BACKEND", "torch")

#: A warning of Keras, which converts tensors of PyTorch to NumPy arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

FOLDER = Path(__file__).parents[2] / "docs" / "migrate"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md") if path.stem != "index"}
#: The modules that a page's program imports.
LIBRARIES = {"scikit-learn": ("sklearn",), "keras": ("torch", "keras"), "pytorch": ("torch",), "skorch": ("torch", "skorch")}
#: Names that stand for any value in an expression: data, and objects explained in the sentence around it.
DATA = {
    "X", "y", "X_val", "y_val", "w", "arrays", "classes", "frame", "loss_fn", "module", "optimizer", "parameters", "path", "weights",
}  # fmt: skip
#: Arguments that take components by name, and the kind of component.
KINDS = {
    "activation": "activations", "loss": "losses", "optimizer": "optimizers", "solver": "optimizers", "schedule": "schedules",
    "learning_rate": "schedules", "metrics": "metrics", "sampler": "samplers", "normalization": "layers", "scoring": "metrics",
    "weight_initializer": "initializers", "weight_regularizer": "regularizers", "weight_constraint": "constraints",
}  # fmt: skip
OF_ESTIMATORS = {"logistic", "lbfgs", "invscaling", "adaptive", "log_loss", "squared_error"}


class Unknown(Exception):
    """An expression in a table names something that a library does not have."""


def roots_of(page: str, theirs: bool) -> dict[str, Any]:
    """Values of the first names in an expression; an object is represented by its class."""
    if not theirs:
        model = nn.estimators.MLPClassifier if page in ("scikit-learn", "skorch") else nn.Sequential
        public = {name: getattr(nn.estimators, name) for name in ("MLPClassifier", "MLPRegressor")}
        return public | {"nn": nn, "nncore": nn, "net": nn.Sequential, "model": model, "history": nn.History}
    modules = {name: pytest.importorskip(name) for name in LIBRARIES[page]}
    roots = {
        "scikit-learn": {"MLPClassifier": "sklearn.neural_network.MLPClassifier", "model": "sklearn.neural_network.MLPClassifier"},
        "keras": {"model": "keras.Model"},
        "pytorch": {"model": "torch.nn.Module", "loss": "torch.Tensor", "optimizer": "torch.optim.Optimizer"},
        "skorch": {"NeuralNetClassifier": "skorch.NeuralNetClassifier", "net": "skorch.NeuralNetClassifier"},
    }[page]
    return modules | {name: pkgutil.resolve_name(path) for name, path in roots.items()}


def tables(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The head and the rows of each table."""
    for found in re.finditer(r"^(\|.*\n)\|-.*\n((?:\|.*\n)*)", page, re.MULTILINE):
        head, *rows = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in [found[1], *found[2].splitlines()])
        yield head, rows


def expressions(cell: str) -> list[ast.expr]:
    """The code of a cell."""
    return [ast.parse(code, mode="eval").body for code in re.findall(r"(?<!\})`([^`]+)`", cell)]


def names_rows(page: str) -> list[list[str]]:
    """The rows of the tables of names: theirs, ours, and the differences."""
    return [row for head, rows in tables(page) if head[1] == "nncore" for row in rows]


def look_up(node: ast.AST, roots: dict[str, Any]) -> Any:
    """The value of a node, its class for an object of a known class, None for any value; every name in it must exist."""
    if isinstance(node, ast.Name):
        if node.id not in roots and node.id not in DATA and not hasattr(builtins, node.id):
            raise Unknown(node.id)
        return roots.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = look_up(node.value, roots)
        if owner is None or is_documented(owner, node.attr):
            return None
        if not hasattr(owner, node.attr):
            raise Unknown(ast.unparse(node))
        return getattr(owner, node.attr)
    if isinstance(node, ast.Call):
        called = look_up(node.func, roots)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            look_up(argument, roots)
        if called is not None:
            check_keywords(node, called)
        return called if isinstance(called, type) else None
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            look_up(child, roots)
    return None


def is_documented(owner: Any, name: str) -> bool:
    """Whether a class documents an attribute that only its objects have: fitted, or set by the constructor."""
    if not isinstance(owner, type):
        return False
    documentation = "".join(cls.__doc__ or "" for cls in owner.__mro__)
    return re.search(rf"^ +(?:\w+, )*`{{0,2}}{name}`{{0,2}}(?:, \w+)* ?(?::|$)", documentation, re.MULTILINE) is not None


def check_keywords(call: ast.Call, called: Any) -> None:
    try:
        parameters = inspect.signature(called).parameters
    except ValueError:  # of a builtin
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in parameters:
            raise Unknown(f"{ast.unparse(call.func)}({keyword.arg}=...)")


def nodes_of(cell: str) -> list[ast.AST]:
    """All nodes of the code of a cell."""
    return [node for expression in expressions(cell) for node in ast.walk(expression)]


def keywords(cell: str) -> set[str]:
    """Arguments that a cell names; in skorch's notation their owner comes first, as in ``optimizer__lr``."""
    return {node.arg.rpartition("__")[2] for node in nodes_of(cell) if isinstance(node, ast.keyword) and node.arg is not None}


def called(cell: str) -> Iterator[ast.Attribute]:
    """Names that a cell calls or reads: ``keras.layers.Dense``, ``model.fit``."""
    for expression in expressions(cell):
        callee = expression.func if isinstance(expression, ast.Call) else expression
        if isinstance(callee, ast.Attribute):
            yield callee


@pytest.mark.parametrize("page", PAGES)
def test_what_the_tables_call_ours_is_there(page: str) -> None:
    roots = roots_of(page, theirs=False)
    ours = [row[1] for head, rows in tables(PAGES[page]) if head[1] in ("nncore", "write") for row in rows]
    assert len(ours) > 10
    for expression in (expression for cell in ours for expression in expressions(cell)):
        made = look_up(expression, roots)
        check_component_names(expression)
        if made is not None and not DATA & {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}:
            eval(compile(ast.Expression(expression), page, "eval"), roots)  # the library accepts the values, too


def check_component_names(expression: ast.expr) -> None:
    """Check that names of components are built-in ones."""
    for keyword in (node for node in ast.walk(expression) if isinstance(node, ast.keyword)):
        texts = (node.value for node in ast.walk(keyword.value) if isinstance(node, ast.Constant) and isinstance(node.value, str))
        if keyword.arg in KINDS and not isinstance(keyword.value, (ast.Dict, ast.Call)):
            assert set(texts) <= OF_ESTIMATORS | set(BUILT_IN[KINDS[keyword.arg]]), ast.unparse(expression)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_tables_call_theirs_is_there(page: str) -> None:
    roots = roots_of(page, theirs=True)
    for theirs, _, _ in names_rows(PAGES[page]):
        for expression in expressions(theirs):
            look_up(expression, roots)


@pytest.mark.parametrize("page", PAGES)
def test_error_messages_know_the_same_words(page: str) -> None:
    """Each of their names that is different here is in `nncore.words`, and leads to the name in the table."""
    for theirs, ours, differs in names_rows(PAGES[page]):
        here = set(re.findall(r"\w+", ours + differs))
        for word in keywords(theirs) - here:
            assert word in ARGUMENTS or word in REMEDIES, f"{word} of {theirs}: write it into nncore/words/foreign.py"
            assert word in REMEDIES or set(ARGUMENTS[word]) & here, f"{theirs}: {word} is {ARGUMENTS[word]} in nncore.words"
        for callee in called(theirs):
            if callee.attr in NAMES:
                assert set(NAMES[callee.attr].split(".")) & here, f"{theirs}: it is {NAMES[callee.attr]} in nncore.words"
            if ast.unparse(callee.value) == "model" and callee.attr in MEMBERS and page in ("keras", "pytorch"):
                remedy = set(re.findall(r"\w+(?=[(=])", MEMBERS[callee.attr]))
                assert remedy & here, f"{theirs}: {MEMBERS[callee.attr]}"


def directive_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{{code-block}} {language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_their_program_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    for module in LIBRARIES[page]:
        pytest.importorskip(module)
    programs, outputs = directive_blocks(PAGES[page], "python"), directive_blocks(PAGES[page], "text")
    assert len(programs) == len(outputs) >= 1
    for program, output in zip(programs, outputs, strict=True):
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.chdir(tmp_path):
            exec(compile(program, f"{page}.md", "exec"), {"__name__": "page"})
        check_output(printed.getvalue(), output, f"{page}.md")


@pytest.mark.parametrize("page", PAGES)
def test_both_programs_print_the_same_words(page: str) -> None:
    """The first program of the page and ours print the same text, except for digits."""
    theirs = directive_blocks(PAGES[page], "text")[0]
    ours = re.search(r"^```text\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)
    assert ours is not None
    check_output(ours[1], theirs, f"{page}.md")


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("nn.Dens(3)", "nn.Dens"),
        ("nn.Dense(units=3)", r"nn.Dense\(units="),
        ("net.fit(X, y, epoch=3)", "epoch="),
        ("net.compile()", "net.compile"),
        ("something(X)", "something"),
        ("net.fit(X, y, callbacks=[nn.EarlyStopping(wait=3)])", "wait="),
    ],
)
def test_a_name_that_is_not_there_is_found(code: str, complaint: str) -> None:
    with pytest.raises(Unknown, match=complaint):
        look_up(ast.parse(code, mode="eval").body, roots_of("keras", theirs=False))

"""Types of the public API: mypy checks the other files of this folder."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import nncore
from nncore.words import BUILT_IN

HERE = Path(__file__).parent
PROGRAMS = sorted(path.name for path in HERE.glob("*.py") if not path.name.startswith("test_"))


def run_mypy(*paths: Path, cache: Path) -> str:
    """mypy's output for files checked as a user's, without this repository's settings."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", "--no-error-summary"]
    root = Path(nncore.__file__).parents[1]
    # mypy finds packages in site-packages by itself, and does not follow an editable installation.
    environment = os.environ if root.name == "site-packages" else os.environ | {"MYPYPATH": str(root)}
    command += [f"--cache-dir={cache}", *map(str, paths)]
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, encoding="utf-8")
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.slow
def test_mypy_agrees_with_every_line(cache: Path) -> None:
    assert {"networks.py", "estimators.py", "look_ups.py", "plugin.py"} == set(PROGRAMS)
    assert run_mypy(*(HERE / name for name in PROGRAMS), cache=cache) == ""


@pytest.mark.slow
def test_mypy_would_tell(cache: Path, tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text("import nncore as nn\nnn.Dense('4')\nnn.Dense(4)  # type: ignore[arg-type]\nreveal_type(nn.Adam())\n")
    said = run_mypy(program, cache=cache)
    assert 'wrong.py:2: error: Argument 1 to "Dense" has incompatible type "str"; expected "int"' in said
    assert "wrong.py:3: error: Unused" in said
    assert 'Revealed type is "nncore.optimizers.adam.Adam"' in said


def built_in_names(annotation: Any) -> set[Any]:
    """Names that an editor offers for an argument, and the other types that it accepts."""
    inner = [each for each in get_args(annotation) if not isinstance(each, list)]  # a list contains argument types of a function
    return set().union(*map(built_in_names, inner)) if inner else {annotation}


#: Arguments in which users write names, and their kinds.
PLACES = [
    (nncore.Sequential.fit, {
        "loss": "losses", "optimizer": "optimizers", "schedule": "schedules", "sampler": "samplers", "transforms": "transforms",
        "metrics": "metrics", "callbacks": "callbacks", "collective": "collectives",
    }),
    (nncore.Sequential.__init__, {"layers": "layers"}),
    (nncore.Dense.__init__, {
        "activation": "activations", "weight_initializer": "initializers", "weight_regularizer": "regularizers",
        "weight_constraint": "constraints",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("function", "kinds"), PLACES, ids=lambda each: getattr(each, "__qualname__", ""))
def test_editors_offer_the_built_in_names_and_take_any(function: Callable[..., Any], kinds: Mapping[str, str]) -> None:
    check_names_offered(function, kinds)


def test_editors_offer_them_for_estimators_too() -> None:
    estimators = [cls for cls in vars(nncore.estimators).values() if getattr(cls, "_components", None)]
    assert len(estimators) >= 6
    for cls in estimators:
        check_names_offered(cls.__init__, cls._components)


def check_names_offered(function: Callable[..., Any], kinds: Mapping[str, str]) -> None:
    hints = get_type_hints(function)
    for argument, kind in kinds.items():
        offered = built_in_names(hints[argument])
        assert {*BUILT_IN[kind], str} <= offered, f"{function.__qualname__}: {argument}"


def test_stub_names_what_is_loaded_at_first_use() -> None:
    tree = ast.parse((Path(nncore.__file__).with_suffix(".pyi")).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    homes = {name.name: node.module for node in imports if node.level == 0 for name in node.names}
    modules = {name.name for node in imports if node.level == 1 for name in node.names}
    (exported,) = (ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert homes == nncore._HOMES
    assert modules == set(nncore._MODULES)
    assert sorted(exported) == sorted(nncore.__all__)

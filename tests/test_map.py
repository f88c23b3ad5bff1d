"""The map in CONTRIBUTING.md has every file of code, and code imports only from a floor below or its own folder."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from nncore import registry

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tools" / "floors.py"

spec = importlib.util.spec_from_file_location("floors", SCRIPT)
floors = sys.modules["floors"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(floors)

HOUSE = floors.floors((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
#: The imports from a floor above, each inside a method by which results draw themselves. They import one display, so each cycle is small.
UPWARDS = {
    ("nncore.contract.history", "nncore.displays.learning_curve"),
    ("nncore.network.learning_rate", "nncore.displays.learning_rate"),
}
#: Modules of the ground and the contract in Python that a component may import besides its own folder.
FOR_COMPONENTS = {
    "nncore",
    "nncore.plugin",
    "nncore.errors",
    "nncore.arguments",
    "nncore.blocks",
    "nncore.words",
    "nncore.configuration",
    "nncore.files",
    "nncore.tables",
}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(
        (ROOT / "nncore").rglob("*"), key=lambda path: path.suffix != ".pyi"
    )  # a stub beside its source is left to the source
    if path.suffix in (".py", ".pyi") and (path.suffix == ".py" or not path.with_suffix(".py").exists())
}
FOLDERS = {name for name, path in MODULES.items() if path.stem == "__init__" and name != "nncore"}


@dataclass(frozen=True)
class Import:
    """``from module import name``, or ``import module`` with no name."""

    importer: str
    module: str
    name: str
    is_lazy: bool  # inside functions, or for type checkers

    @property
    def target(self) -> str:
        """The imported module: a name of a package may be a module."""
        inner = f"{self.module}.{self.name}"
        return inner if inner in MODULES else self.module


def imports(module: str, nodes: list[ast.stmt], *, lazily: bool = False) -> Iterator[Import]:
    """Imports of nncore in statements."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:  # relative, of `bench.sides` alone, which runs without nncore
                source = ".".join([*module.split(".")[: -node.level], *filter(None, [node.module])])
            if source.split(".")[0] == "nncore":
                yield from (Import(module, source, alias.name, lazily) for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, "", lazily) for alias in node.names if alias.name.split(".")[0] == "nncore")
        for field in ("body", "orelse", "handlers", "finalbody"):
            inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
                isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            )
            yield from imports(module, getattr(node, field, []), lazily=lazily or inner)


IMPORTS = [found for module, path in MODULES.items() for found in imports(module, ast.parse(path.read_text(encoding="utf-8")).body)]


def folder_of(module: str) -> str:
    """The room of a module: a folder of nncore, or the module itself."""
    parts = module.split(".")
    return ".".join(parts[:2]) if ".".join(parts[:2]) in FOLDERS else module


def number_of(module: str) -> int:
    return floors.floor_of(MODULES[module].relative_to(ROOT).as_posix(), HOUSE)[0].number


def test_every_file_of_code_stands_on_one_floor() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in floors.source_files()]
    assert len(files) > 300
    assert len({floors.floor_of(path, HOUSE)[0] for path in files}) == len(HOUSE)


def test_the_map_is_short_and_names_what_is_there() -> None:
    assert len(HOUSE) <= 12
    rooms = [room for floor in HOUSE for room in floor.rooms]
    assert len(rooms) == len(set(rooms))
    assert [room for room in rooms if not (ROOT / room).exists()] == []
    assert len(list((ROOT / "nncore").glob("*.py"))) <= 13


def test_arrows_point_down() -> None:
    up = [found for found in IMPORTS if number_of(found.target) > number_of(found.importer)]
    assert {(found.importer, found.target) for found in up} == UPWARDS
    assert all(found.is_lazy for found in up)
    assert len(IMPORTS) > 700


def test_rooms_of_a_floor_import_each_other_in_no_circle() -> None:
    for key in (folder_of, str):  # folders, then modules
        arrows: dict[str, set[str]] = defaultdict(set)
        for found in IMPORTS:
            of_faces = found.target in FOLDERS and folder_of(found.importer) == found.target  # `from nncore.bench import grid` in bench
            if (found.importer, found.target) not in UPWARDS and key(found.importer) != key(found.target) and not of_faces:
                arrows[key(found.importer)].add(key(found.target))
        arrows.pop("nncore", None)  # loads every name when it is first used
        TopologicalSorter(arrows).prepare()  # raises CycleError, which names the cycle


def names_of_face(folder: str) -> set[str]:
    """Names that the face of a folder exports."""
    body = ast.parse(MODULES[folder].read_text(encoding="utf-8")).body
    names = {
        alias.asname or alias.name for node in ast.walk(ast.Module(body, [])) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return names | {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


COMPONENT_FOLDERS = {f"nncore.{kind}" for kind in registry.KINDS}


def test_another_folder_is_imported_through_its_face() -> None:
    components = {registry.component(kind, name).component.target for kind in registry.KINDS for name in registry.names(kind)}
    components |= {target for target, _ in registry.registry.FUNCTIONS.values()}
    past = []
    for found in IMPORTS:
        folder = folder_of(found.module)
        if (
            folder not in FOLDERS
            or folder == folder_of(found.importer)
            or found.importer == "nncore"
            or (found.importer, found.target) in UPWARDS
        ):
            continue
        if folder in COMPONENT_FOLDERS:
            through = f"{found.module}:{found.name}" in components
        else:
            through = found.module == folder and found.name in names_of_face(folder)
        if not through and found.importer != "nncore.hookspecs":  # the target is a face itself
            past.append(f"{found.importer} imports {found.name} of {found.module}")
    assert past == []


def test_a_face_is_not_imported_by_its_own_folder() -> None:
    """A folder's modules do not import from its face, whose content would depend on the import order; they may name its modules."""
    own = [
        found for found in IMPORTS if found.module in FOLDERS and folder_of(found.importer) == found.module and found.target == found.module
    ]
    assert [found for found in own if found.name] == []


def test_components_import_what_an_author_may() -> None:
    modules = [module for module in MODULES if folder_of(module) in COMPONENT_FOLDERS]
    found = {(found.importer, found.target) for found in IMPORTS if found.importer in modules}
    assert [(one, other) for one, other in found if folder_of(one) != folder_of(other) and other not in FOR_COMPONENTS] == []
    assert len(modules) > 90


def test_a_folder_says_what_it_is_for() -> None:
    for folder in FOLDERS:
        docstring = ast.get_docstring(ast.parse(MODULES[folder].read_text(encoding="utf-8")))
        assert docstring, folder
        assert re.search(r"[.:]", docstring), folder


@pytest.mark.parametrize("seed", range(5))
def test_any_line_of_code_has_a_floor(seed: int) -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--seed", str(seed)], capture_output=True, encoding="utf-8", check=True)
    lines = done.stdout.splitlines()
    named = [re.fullmatch(r"(nncore/\S+):(\d+) +floor +(\d+) of (\d+): ([\w' ]+), (\S+)", line) for line in lines[::2]]
    assert len(named) == 20
    for match, code in zip(named, lines[1::2], strict=True):
        assert match is not None
        path, number, floor, n_floors, name, room = match.groups()
        assert (ROOT / path).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip() == code.strip()
        assert path.startswith(f"nncore/{room}")
        assert int(n_floors) == len(HOUSE)
        assert HOUSE[-int(floor)].name == name

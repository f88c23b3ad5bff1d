"""The built documentation has no dead links, and its reference has every public name, component, option and C declaration."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import nncore as nn
from nncore import hookspecs
from nncore.cli import make_parser
from nncore.registry import KINDS
from nncore.registry.catalogue import BASES

ROOT = Path(__file__).parents[2]
#: Modules for users, whose public names must be documented.
PUBLIC = ("estimators", "displays", "inspection", "datasets", "errors", "plugin", "testing", "registry", "training")

Inventory = dict[str, set[str]]
pytestmark = pytest.mark.site


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_site", ROOT / "tools" / "check_site.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_somewhere_and_nothing_comes_from_another_host(checker: ModuleType, site: Path) -> None:
    report = checker.check(site)
    assert report.problems == []
    assert report.n_pages > 100
    assert report.n_internal > 5000


def test_no_page_tells_of_the_machine_it_was_built_on(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text, path
        assert not re.search(r" at 0x[0-9a-f]{6}", text), path


def public_objects() -> list[tuple[str, object]]:
    """Full name and object of every public name."""
    found = [(f"nncore.{name}", getattr(nn, name)) for name in nn.__all__ if name != "__version__"]
    for module in (importlib.import_module(f"nncore.{name}") for name in PUBLIC):
        own = [name for name, value in vars(module).items() if name[0] != "_" and getattr(value, "__module__", "") == module.__name__]
        found += [(f"{module.__name__}.{name}", getattr(module, name)) for name in getattr(module, "__all__", own)]
    return found


def test_every_public_name_is_in_the_reference(inventory: Inventory) -> None:
    names = {name for role, found in inventory.items() if role.startswith("py:") for name in found}
    objects = public_objects()
    first = {id(value): name for name, value in reversed(objects) if callable(value)}  # nncore.registry.get is nncore.get
    assert [name for name, value in objects if not names & {name, first.get(id(value))}] == []
    assert len(objects) > 120


def test_every_argument_and_result_is_explained(inventory: Inventory) -> None:
    """Every argument and result of public functions is explained; methods for plugin authors explain them in their text."""
    from numpydoc.validate import validate  # of the extra `docs`

    first = {*nn.__all__, "estimators", "displays", "inspection", "datasets", "errors"}
    names = {name for role in ("py:class", "py:function", "py:method") for name in inventory[role] if name.split(".")[1] in first}
    assert len(names) > 100
    codes = {"PR01", "PR02", "PR07", "RT01"}
    # Arguments that all components of a kind have in common are explained in its base class.
    common = {name for base in BASES.values() for name in base.common}
    found = [(name, text) for name in sorted(names) for code, text in validate(name)["errors"] if code in codes]
    named = [(name, text, set(re.findall(r"'(\w+)'", text))) for name, text in found]
    assert [(name, text) for name, text, arguments in named if not arguments or arguments - common] == []


def test_every_method_that_users_call_is_in_the_reference(inventory: Inventory) -> None:
    network = ("fit", "predict", "predict_one", "evaluate", "save", "summary", "forward", "backward", "step", "named_parameters", "build")
    assert {f"nncore.Sequential.{name}" for name in network} <= inventory["py:method"]
    for estimator in ("MLPClassifier", "MLPRegressor"):
        assert {f"nncore.estimators.{estimator}.{name}" for name in ("fit", "partial_fit", "predict")} <= inventory["py:method"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_is_in_the_reference_with_its_parameters(kind: str, site: Path, inventory: Inventory) -> None:
    page = (site / "reference" / "components" / f"{kind}.html").read_text(encoding="utf-8")
    built_in = [component.name for plugin in nn.plugins() if plugin.built_in for of, component in plugin.components if of == kind]
    assert built_in
    for name in built_in:
        cls = nn.get(kind, name)
        assert f'>{name}<a class="headerlink"' in page, name
        assert {f"nncore.{cls.__name__}", f"{cls.__module__}.{cls.__name__}"} & inventory["py:class"], name
        for parameter in inspect.signature(cls).parameters:
            assert re.search(rf"<strong>[^<]*\b{parameter}\b", page), f"{name}: {parameter}"


def test_every_hook_is_in_the_reference(inventory: Inventory) -> None:
    hooks = {f"nncore.contract.hookspecs.{name}" for name in vars(hookspecs) if name.startswith("nncore_")}
    assert hooks
    assert hooks <= inventory["py:function"]


def test_every_declaration_of_the_c_header_is_in_the_reference(inventory: Inventory) -> None:
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "nncore" / "include" / "nncore" / "plugin.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    found = {
        "c:macro": re.findall(r"#define (NNC_\w+)", text),
        "c:type": re.findall(r"typedef int32_t \(\*(\w+)\)", text),
        "c:enumerator": re.findall(r"\bNNC_\w+(?= = \d)", text),
    }
    structs = re.findall(r"typedef struct (\w+) \{(.*?)\}", text, re.DOTALL)
    found["c:struct"] = [name for name, _ in structs]
    found["c:member"] = [f"{name}.{field}" for name, body in structs for field in re.findall(r"(\w+);", body)]
    for role, names in found.items():
        assert len(names) >= 3
        assert set(names) <= inventory[role]


def test_every_option_of_the_command_line_is_in_the_reference(inventory: Inventory) -> None:
    subparsers = next(action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    options = {
        f"nncore-{name}.{option}"
        for name, parser in subparsers.choices.items()
        for action in parser._actions
        if action.dest != "help" and action.help != argparse.SUPPRESS
        for option in action.option_strings
    }
    assert len(options) > 40
    assert options <= inventory["std:cmdoption"]


def test_every_environment_variable_is_in_the_reference(inventory: Inventory) -> None:
    reads = re.compile(r"""(?:environ(?:\.get)?[\[(]|getenv\()["'](NNCORE_\w+)""")
    sources = [*(ROOT / "nncore").rglob("*.py"), *(ROOT / "nncore").rglob("*.c")]
    read = {name for path in sources for name in reads.findall(path.read_text(encoding="utf-8"))}
    assert len(read) > 5
    assert read <= inventory["std:envvar"]

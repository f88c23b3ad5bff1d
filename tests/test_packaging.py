"""README, metadata and content of distributions."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import nncore
from nncore.cli import make_parser
from nncore.registry import KINDS
from nncore.registry.catalogue import Catalogue
from nncore.registry.discovery import Policy

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Files that git would ignore, and those left by packaging.
NOT_SOURCES = shutil.ignore_patterns(".*", "__pycache__", "*.so", "*.o", "*.egg-info", "build", "dist")


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run_python(program: str, folder: Path) -> str:
    """Output of a program, run in `folder`, whose modules it can import."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- the README -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("i", range(2))
def test_readme_example_prints_what_the_readme_says(i: int, tmp_path: Path) -> None:
    if "sklearn" in blocks("python")[i]:
        pytest.importorskip("sklearn")
    number = re.compile(r"\d+\.\d*")
    printed, promised = run_python(blocks("python")[i], tmp_path), blocks("text")[i]
    assert number.sub("#", printed).split() == number.sub("#", promised).split()
    # Rounding differs between CPUs, and 20 epochs amplify it: a few of 445 images, or a hundredth of the loss, may differ.
    assert [float(x) for x in number.findall(printed)] == pytest.approx([float(x) for x in number.findall(promised)], abs=0.02)


def test_readme_plugin_trains(tmp_path: Path) -> None:
    project = tomllib.loads(blocks("toml")[0])["project"]
    (entry, module), *others = project["entry-points"]["nncore"].items()
    assert not others
    (tmp_path / f"{module}.py").write_text(blocks("python")[2], encoding="utf-8")
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(f"[nncore]\n{entry} = {module}\n")
    program = """
import numpy as np, nncore as nn
X = np.random.default_rng(0).normal(size=(64, 3))
y = (X[:, 0] > 0).astype(int)
optimizer = {"name": "signum", "lr": 0.05}
history = nn.Sequential(nn.Dense(2)).fit(X, y, loss="softmax_cross_entropy", optimizer=optimizer, epochs=50, rng=0)
print("signum" in nn.names("optimizers"), history["loss"][-1] < history["loss"][0] / 2)
"""
    assert run_python(program, tmp_path) == "True True\n"


def test_readme_lists_what_is_built_in() -> None:
    listed = dict(re.findall(rf"^\| ({'|'.join(KINDS)}) \| (.*) \|$", README, re.MULTILINE))
    catalogue = Catalogue(policy=Policy(only=[]))
    assert {kind: sorted(re.findall(r"`(\w+)`", names)) for kind, names in listed.items()} == {
        kind: catalogue.names(kind) for kind in KINDS
    }


@pytest.mark.parametrize("command", re.findall(r"^\$ nncore (.*)$", README, re.MULTILINE))
def test_readme_commands_exist(command: str) -> None:
    make_parser().parse_args(shlex.split(command))


@pytest.mark.parametrize(
    "text", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/decisions/{p.name}" for p in ROOT.glob("docs/decisions/*"))]
)
def test_links_lead_somewhere(text: str) -> None:
    path = ROOT / text
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_make_targets_named_in_texts_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", ".ci/run")]
    named = {target for text in texts for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", text, re.MULTILINE)}
    assert {"demo", "test"} <= named <= set(targets)


# ---- the metadata -----------------------------------------------------------------------------------------------------------


def test_version_is_written_once() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert "version" in PROJECT["dynamic"]
    assert setuptools["dynamic"]["version"] == {"attr": "nncore.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|(a|b|rc)\d+)?", nncore.__version__)


def test_extras_named_in_messages_exist() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "nncore").rglob("*.py")]
    named = {extra for text in sources for extra in re.findall(r'extra="(\w+)"|nncore-ml\[(\w+)\]', text)}
    named = {one or other for one, other in named}
    assert len(named) > 3
    assert named <= PROJECT["optional-dependencies"].keys()


#: Extras for developers of nncore; the others are for users.
DEVELOPMENT = {"bench", "test", "lint", "docs"}


def test_readme_and_guide_list_the_extras_for_users_and_contributing_the_others() -> None:
    extras = PROJECT["optional-dependencies"]
    guide = (ROOT / "docs" / "guide" / "install.md").read_text(encoding="utf-8")
    for page in (README, guide):
        listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
        assert listed == [extra for extra in extras if extra not in DEVELOPMENT]
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [extra for extra in DEVELOPMENT if f"| `{extra}` |" not in contributing] == []


def test_extra_all_is_all_that_users_may_need() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(re.search(r"\[(.*)\]", everything)[1].split(",")) == extras.keys() - {"all"} - DEVELOPMENT


def test_sources_without_compiled_code_say_where_to_start_python(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "nncore", tmp_path / "nncore", ignore=NOT_SOURCES)
    for module in ("nncore.estimators", "nncore.network"):
        done = subprocess.run([sys.executable, "-c", f"import {module}"], cwd=tmp_path, capture_output=True, encoding="utf-8")
        assert done.returncode == 1
        assert re.search(r"imported from .*nncore, where its C code is not compiled: start Python in another folder", done.stderr)


# ---- the distributions ------------------------------------------------------------------------------------------------------


def build(tree: Path, kind: str, target: Path) -> Path:
    """Call the build backend as pip does, with the tools that are installed here."""
    pytest.importorskip("Cython")
    program = f"from setuptools.build_meta import build_{kind}; build_{kind}({str(target)!r})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, capture_output=True, encoding="utf-8", env=os.environ | {"NNCORE_DEBUG": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = target.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return result


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that files of other builds have no effect and none are left behind."""
    return shutil.copytree(ROOT, tmp_path_factory.mktemp("tree") / "nncore-ml", ignore=NOT_SOURCES)


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(tree, "sdist", folder)) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


@pytest.fixture(scope="module")
def wheel_names(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files in the wheel that the source distribution gives."""
    with zipfile.ZipFile(build(sdist, "wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_sdist_holds_every_source(tree: Path, sdist: Path) -> None:
    wanted = {
        path.relative_to(tree).as_posix()
        for folder in ("nncore", "tests", "tools", "docs")
        for path in (tree / folder).rglob("*")
        if path.is_file()
    }
    wanted |= {"setup.py", "pyproject.toml", "Makefile", "MANIFEST.in", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    found = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert wanted - found == set()
    assert [name for name in found if name.startswith("build/") or name.endswith((".so", ".pyc"))] == []


@pytest.mark.slow
def test_wheel_holds_what_runs_and_nothing_else(tree: Path, wheel_names: set[str]) -> None:
    package = tree / "nncore"
    compiled_away = {path for pattern in ("*.c", "*.h", "*.pyx", "_core/*.pxd") for path in package.rglob(pattern)}
    compiled_away -= {*(package / "include").rglob("*.h")}
    wanted = {path.relative_to(tree).as_posix() for path in package.rglob("*") if path.is_file() and path not in compiled_away}
    inside = {name for name in wheel_names if not re.match(r"nncore_ml-[^/]*\.dist-info/", name)}
    modules = r"nncore/_core/(compiled|crew|lbfgs|native|perceptron|program|scorer|turns)"
    extensions = {name for name in inside if re.fullmatch(modules + r"\..*(so|pyd)", name)}
    assert len(extensions) == 8
    assert inside - extensions == wanted

"""``nncore new-plugin``: generated packages work unchanged, and for invalid arguments nothing is written."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from plugins.own_tests import run_own_tests

from nncore import registry
from nncore.cli import main, new_plugin
from nncore.cli.new_plugin import COMPILED_KINDS, KERNELS, KINDS
from nncore.errors import ParameterError
from nncore.plugin import TABLES

PAIRS = [(kind, rung) for kind in KINDS for rung in KERNELS if rung == "numpy" or kind in COMPILED_KINDS]
#: Packages, besides nncore, that building and running a rung needs.
NEEDS = {"numba": ["numba"], "cython": ["setuptools", "Cython"], "c": ["setuptools"]}


def write(folder: Path, kind: str, rung: str) -> Path:
    return new_plugin.new_plugin(kind, f"{rung}_{kind}", rung, folder)


@pytest.mark.parametrize(("kind", "rung"), PAIRS)
def test_files(tmp_path: Path, kind: str, rung: str) -> None:
    project = write(tmp_path, kind, rung)
    assert project == tmp_path / f"nncore-{rung}-{kind}"
    assert list(tmp_path.iterdir()) == [project]
    name = f"{rung}_{kind}"
    package = f"nncore_{name}"
    expected = {"pyproject.toml", "README.md", f"tests/test_{name}.py"}
    expected |= {f"{package}/{file}" for file in ("__init__.py", "manifest.py", f"{name}.py")}
    expected |= {f"{package}/{KERNELS[rung]}"} if KERNELS[rung] else set()
    expected |= {"setup.py"} if rung in ("cython", "c") else set()
    files = {path.relative_to(project).as_posix(): path for path in project.rglob("*") if path.is_file()}
    assert files.keys() == expected
    for path in files.values():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\$\{|^%", text, re.MULTILINE)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        if path.suffix == ".py":
            compile(text, str(path), "exec")
    about = tomllib.loads(files["pyproject.toml"].read_text(encoding="utf-8"))
    assert about["project"]["name"] == project.name
    assert about["project"]["entry-points"]["nncore"] == {name: f"{package}.manifest"}
    assert about["tool"]["setuptools"]["packages"] == [package]
    assert ("numba" in str(about["project"]["dependencies"])) == (rung == "numba")
    assert ("nncore-ml" in str(about["build-system"]["requires"])) == (rung in ("cython", "c"))


def test_everything_is_ruff_clean(tmp_path: Path) -> None:
    """All generated files pass ruff with the rules in the package."""
    pytest.importorskip("ruff")
    for kind, rung in PAIRS:
        write(tmp_path, kind, rung)
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *arguments, "--no-cache", "."], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_numpy_rung_passes_its_own_tests(tmp_path: Path) -> None:
    projects = [write(tmp_path, kind, "numpy") for kind in KINDS]
    passed = re.search(r"(\d+) passed", run_own_tests(projects, tmp_path))
    assert passed is not None
    assert int(passed[1]) >= 10 * len(projects)


@pytest.mark.slow
@pytest.mark.parametrize("rung", [rung for rung in KERNELS if rung != "numpy"])
def test_a_compiled_rung_passes_its_own_tests(tmp_path: Path, rung: str) -> None:
    for module in NEEDS[rung]:
        pytest.importorskip(module)
    projects = [write(tmp_path, kind, rung) for kind in COMPILED_KINDS]
    if rung in ("cython", "c"):
        for project in projects:
            subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=project, check=True)
    run_own_tests(projects, tmp_path)


@pytest.mark.slow
def test_one_wheel_of_the_c_rung_serves_all_versions(tmp_path: Path) -> None:
    for module in NEEDS["c"]:
        pytest.importorskip(module)
    project = write(tmp_path, "activation", "c")
    subprocess.run([sys.executable, "setup.py", "-q", "bdist_wheel"], cwd=project, check=True)
    (wheel,) = (project / "dist").iterdir()
    assert "-cp311-abi3-" in wheel.name


def test_every_template_is_used() -> None:
    assert set(KINDS.values()) == set(registry.KINDS)
    assert set(COMPILED_KINDS) == set(TABLES)
    templates = {path.name.removesuffix(".template") for path in new_plugin.TEMPLATES.iterdir()}
    used = {template for kind, rung in PAIRS for template in new_plugin._files(kind, "x", "nncore_x", rung).values()}
    assert templates == used


@pytest.mark.parametrize("name", ["cosine_lion", "Cosine-Lion", "nncore-cosine-lion", "cosine.lion", "COSINE__LION"])
def test_names_are_normalised(tmp_path: Path, name: str) -> None:
    project = new_plugin.new_plugin("optimizer", name, directory=tmp_path)
    assert project.name == "nncore-cosine-lion"
    assert "class CosineLion(Optimizer)" in (project / "nncore_cosine_lion/cosine_lion.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("optimizer", "adam", "'adam' is a built-in optimizer"),
        ("loss", "MSE", "'mse' is a built-in loss"),
        ("layer", "batch-norm", "'batch_norm' is a built-in layer"),
    ],
)
def test_names_of_built_ins_are_refused(tmp_path: Path, kind: str, name: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        new_plugin.new_plugin(kind, name, directory=tmp_path)
    assert not list(tmp_path.iterdir())


MALFORMED = ["", "2fast", "_x", "x_", "über", "a b", "a/b", "..", "a\nb", "x" * 41]
PYTHONS_OWN = ["lambda", "none", "true", "class"]
NNCORES_OWN = ["kernel", "manifest", "optimizer", "tensor_span", "any"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, "must be a letter, then letters") for name in MALFORMED),
        *((name, "a word of Python itself") for name in PYTHONS_OWN),
        *((name, "is reserved by the plugin API of nncore") for name in NNCORES_OWN),
    ],
)
def test_names_that_cannot_be_used(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        new_plugin.new_plugin("optimizer", name, directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_built_in_for_another_kind_is_free(tmp_path: Path) -> None:
    assert new_plugin.new_plugin("activation", "adam", directory=tmp_path).is_dir()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in COMPILED_KINDS])
def test_rungs_without_table_are_refused(tmp_path: Path, kind: str) -> None:
    message = f"no table for {kind}, so it cannot be compiled as {', '.join(COMPILED_KINDS)} can: leave out --rung c"
    with pytest.raises(ParameterError, match=message):
        new_plugin.new_plugin(kind, "mine", "c", tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "nncore-mine").mkdir()
    with pytest.raises(ParameterError, match="nncore-mine exists already: remove it"):
        new_plugin.new_plugin("loss", "mine", directory=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["nncore-mine"]


def test_the_directory_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="nowhere is not a folder"):
        new_plugin.new_plugin("loss", "mine", directory=tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    filled = new_plugin._filled

    def full_disk(template: str, conditions: set[str], words: dict[str, str]) -> str:
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(template)
        return filled(template, conditions, words)

    monkeypatch.setattr(new_plugin, "_filled", full_disk)
    with pytest.raises(OSError, match="No space left"):
        new_plugin.new_plugin("optimizer", "mine", directory=tmp_path)
    assert len(written) == 3
    assert not list(tmp_path.iterdir())


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-plugin", "optimizer", "mine"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in said] == [
        ["install", "pip install ./nncore-mine"],
        ["test", "pytest ./nncore-mine"],
        ["change", "./nncore-mine/nncore_mine/mine.py"],
    ]
    assert (tmp_path / "nncore-mine/nncore_mine/mine.py").is_file()
    assert main(["new-plugin", "optimizer", "mine"]) == 2
    assert "nncore: error: nncore-mine exists already" in capsys.readouterr().err
    assert main(["new-plugin", "activation", "yours", "--rung", "cython", "--directory", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split(maxsplit=1) == ["needs", "pip install setuptools Cython"]
    assert said[1].split(maxsplit=1) == ["install", f"pip install --no-build-isolation {tmp_path.as_posix()}/nncore-yours"]


@pytest.mark.parametrize("argv", [[], ["optimizer"], ["kernel", "mine"], ["optimizer", "mine", "--rung", "rust"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["new-plugin", *argv])
    assert exit_.value.code == 2
    assert "(see nncore new-plugin --help)" in capsys.readouterr().err

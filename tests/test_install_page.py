"""The commands of the installation page, run as written, but offline: packages come from a folder of wheels."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_packaging import NOT_SOURCES, ROOT

PAGE = (ROOT / "docs" / "guide" / "install.md").read_text(encoding="utf-8")


def needed(*requirements: str) -> dict[str, Distribution]:
    """Installed distributions for the requirements and all their dependencies, by name."""
    found: dict[str, Distribution] = {}
    asked, seen = [Requirement(text) for text in requirements], set()
    while asked:
        requirement = asked.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        one = found[canonicalize_name(requirement.name)] = distribution(requirement.name)
        for more in map(Requirement, one.requires or []):
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in requirement.extras or {""}):
                asked.append(more)
    return found


def write_wheel(one: Distribution, folder: Path) -> None:
    """A wheel of an installed distribution, without its scripts, which installing recreates."""
    tag = re.findall(r"^Tag: (.+)$", one.read_text("WHEEL") or "", re.MULTILINE)[-1]  # the first of several tags may be for Python 2
    name = f"{canonicalize_name(one.name).replace('-', '_')}-{one.version}-{tag}.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path in one.files or []:
            if ".." in path.parts or path.suffix == ".pyc" or path.name in ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD"):
                continue
            archive.write(path.locate(), path.as_posix())
        inside = [f"{written},," for written in archive.namelist()]
        record = next(path for path in one.files or [] if path.name == "RECORD" and ".." not in path.parts)
        archive.writestr(record.as_posix(), "\n".join([*inside, f"{record.as_posix()},,"]) + "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are for a shell of Linux or macOS")
@pytest.mark.slow
def test_the_commands_of_the_page_install_nncore(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras["sklearn"], *extras["plot"]]
    store, clone, other = tmp_path / "store", tmp_path / "clone", tmp_path / "other"
    store.mkdir()
    for one in needed(*wanted).values():
        write_wheel(one, store)
    shutil.copytree(ROOT, clone, ignore=NOT_SOURCES)

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(store), "PIP_YES": "1", "NNCORE_DEBUG": "1"}  # which compiles quickly
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def run(script: str, folder: Path, **variables: str) -> str:
        done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=environment | variables, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    install, collect, without_network, repair = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    activate = ". .venv/bin/activate\n"
    leave = "cd ..\n"
    check = "nncore info\npython -c 'import nncore.estimators, nncore.displays'\n"
    assert "install     sound" in run(install + leave + check, clone)
    run(activate + collect, clone)
    assert len(list((clone / "wheels").glob("nncore_ml-*.whl"))) == 1

    other.mkdir()
    (clone / "wheels").rename(other / "wheels")
    run("python3 -m venv .venv", other)
    nothing = {"CC": "no-compiler", "PIP_FIND_LINKS": ""}
    assert "install     sound" in run(activate + without_network + check, other, **nothing)
    assert "install     sound" in run(activate + repair + leave + check, clone)

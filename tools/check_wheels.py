"""Builds nncore's wheels from its source distribution, and checks them as a user would meet them: with no compiler, away from the sources.

usage: python tools/check_wheels.py [--quick] [--python VERSION ...] [--dist FOLDER]

A wheel is built for each Python from 3.11 on that is found (on the PATH, in pyenv), and one of each plugin in C that serves them all. They
are repaired by auditwheel on Linux. Contents, metadata and sizes are checked. Each is installed in its own environment, where the fast
tests are run, or with --quick some of them. Needs the dependency group `wheels`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Bytes that a wheel may have.
LARGEST_WHEEL = 3_000_000
#: Plugins whose C is compiled once for all Pythons.
ABI3_PLUGINS = ("nncore-snake", "nncore-rescale", "nncore-conv", "nncore-sam")
#: Of a wheel's fast tests, what --quick runs: compiled kernels, the loops that run them, threads, saving, finding what is built in.
QUICK_TESTS = (
    "_core/test_native.py",
    "_core/test_threads.py",
    "optimizers/test_native.py",
    "test_import.py",
    "network/test_loading.py",
    "network/test_model.py",
    "network/test_saving.py",
    "registry/test_registry.py",
)


@dataclass(frozen=True)
class Interpreter:
    path: Path
    version: tuple[int, int]
    free_threaded: bool

    @property
    def name(self) -> str:
        return f"{self.version[0]}.{self.version[1]}{'t' * self.free_threaded}"


def candidates() -> Iterator[Path]:
    """Files that may be a Python."""
    yield Path(sys.executable)
    pattern = re.compile(r"python3\.\d+t?(\.exe)?")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [Path(folder) for folder in os.get_exec_path()] + sorted(pyenv.glob("*/bin"), reverse=True)
    for folder in folders:
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name))


def interpreters() -> list[Interpreter]:
    """One for each version that nncore supports and that has venv, the oldest first."""
    is_free_threaded = "bool(sysconfig.get_config_var('Py_GIL_DISABLED'))"
    program = f"import ensurepip, json, sys, sysconfig, venv; print(json.dumps([sys.version_info[:2], {is_free_threaded}]))"
    found: dict[tuple[tuple[int, int], bool], Interpreter] = {}
    for path in candidates():
        done = subprocess.run([str(path), "-c", program], capture_output=True, encoding="utf-8")
        if done.returncode != 0:  # a shim of pyenv for a version that is not chosen, or a Python without venv
            continue
        version, free_threaded = json.loads(done.stdout)
        if tuple(version) >= (3, 11):
            key = (version[0], version[1]), free_threaded
            found.setdefault(key, Interpreter(path, *key))
    return [found[key] for key in sorted(found)]


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=os.environ | variables, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def tool(module: str, *arguments: str | Path) -> str:
    return run(sys.executable, "-m", module, *arguments, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def pip(python: Path, command: str, *arguments: str | Path) -> None:
    run(python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments)


def environment(interpreter: Interpreter, folder: Path, *requirements: str | Path) -> Path:
    """The Python of a new virtual environment with these installed."""
    run(interpreter.path, "-m", "venv", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if requirements:
        pip(python, "install", *requirements)
    return python


def group(name: str) -> list[str]:
    """Requirements of a dependency group."""
    return tool("dependency_groups", "--pyproject-file", ROOT / "pyproject.toml", name).split("\n")[:-1]


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def repaired(wheel: Path, dist: Path) -> Path:
    """The wheel in `dist`, on Linux with the tag of the oldest glibc that it runs on."""
    shutil.rmtree(work := wheel.parent / "repaired", ignore_errors=True)
    if sys.platform == "linux":
        tool("auditwheel", "repair", "--wheel-dir", work, wheel)
        wheel = only(work, "*.whl")
    return Path(shutil.copy(wheel, dist))


def check_file(wheel: Path) -> None:
    """Contents, metadata and size."""
    size = wheel.stat().st_size
    if size > LARGEST_WHEEL:
        raise SystemExit(f"{wheel.name} has {size:,} bytes; {LARGEST_WHEEL:,} are the limit")
    # W002: the licence of the digits lies beside them, and with the other licences. W004: PyInstaller wants the hyphen in its hook's name.
    tool("check_wheel_contents", "--ignore", "W002,W004", "--toplevel", wheel.name.split("-")[0].removesuffix("_ml"), wheel)
    tool("twine", "check", "--strict", wheel)
    print(f"{wheel.name}: {size / 1e6:.2f} MB", flush=True)


def test(python: Path, sources: Sequence[Path], tests: Sequence[str]) -> None:
    """Run tests that were copied away from the package, in an environment that finds no compiler."""
    with tempfile.TemporaryDirectory() as folder:
        away = Path(folder)
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, away / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, away)
        where = run(python, "-c", "import nncore; print(nncore.__file__)", cwd=away).strip()
        if not Path(where).is_relative_to(python.parents[1]):
            raise SystemExit(f"the tests would not run on the installed wheel but on {where}")
        options = ["-q", "--color=no", "-p", "no:cacheprovider"]
        printed = run(python, "-m", "pytest", *options, *tests, cwd=away, PATH=str(python.parent), CC="false", CXX="false")
        print(f"    {printed.strip().splitlines()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run fewer tests")
    parser.add_argument("--python", nargs="+", metavar="VERSION", help="only these, such as 3.13 or 3.14t")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where sdist and wheels are put (%(default)s)")
    arguments = parser.parse_args()
    dist: Path = arguments.dist.resolve()
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    used = [one for one in interpreters() if arguments.python is None or one.name in arguments.python]
    if not used:
        raise SystemExit("none of these Pythons was found")
    print("Pythons:", ", ".join(f"{one.name} ({one.path})" for one in used), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tool("build", "--sdist", "--outdir", dist, ROOT)
        sdist = only(dist, "*.tar.gz")
        tool("twine", "check", "--strict", sdist)
        tool("pyroma", "--min=8", sdist)  # 10 take a page on the web and an address for mail, which the project has not yet
        print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB", flush=True)

        pythons, plugins = {}, []
        for interpreter in used:
            build_python = environment(interpreter, work / f"build-{interpreter.name}")
            pip(build_python, "wheel", "--no-deps", "--wheel-dir", work / interpreter.name, sdist)
            wheel = repaired(only(work / interpreter.name, "*.whl"), dist)
            check_file(wheel)
            python = pythons[interpreter] = environment(interpreter, work / f"venv-{interpreter.name}", wheel, *group("test-wheel"))
            tests = [f"tests/{test}" for test in QUICK_TESTS] if arguments.quick else ["tests"]
            test(python, [ROOT / "tests", ROOT / "pyproject.toml"], tests)
            if not plugins and not interpreter.free_threaded:
                plugins = [abi3_wheel(ROOT / "plugins" / name, interpreter, wheel, work, dist) for name in ABI3_PLUGINS]

        for interpreter, python in pythons.items():
            for name, wheel in zip(ABI3_PLUGINS, plugins, strict=True) if not interpreter.free_threaded else ():
                pip(python, "install", "--no-deps", wheel)
                print(f"{wheel.name} on {interpreter.name}:", flush=True)
                test(python, [ROOT / "plugins" / name / "tests", ROOT / "plugins" / name / "pyproject.toml"], ["tests"])


def abi3_wheel(plugin: Path, interpreter: Interpreter, nncore_wheel: Path, work: Path, dist: Path) -> Path:
    """The wheel of a plugin in C, compiled against the headers of an installed nncore."""
    python = environment(interpreter, work / f"build-{plugin.name}", nncore_wheel, "setuptools>=77")
    target = work / plugin.name
    copy = shutil.copytree(plugin, work / f"{plugin.name}-sources", ignore=shutil.ignore_patterns("build", "*.egg-info", "*.so"))
    pip(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, copy)
    wheel = repaired(only(target, "*-abi3-*.whl"), dist)
    tool("abi3audit", "--strict", wheel)
    check_file(wheel)
    return wheel


if __name__ == "__main__":
    main()

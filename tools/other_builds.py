"""Builds a copy of the tree with another compiler or under a sanitizer, and runs tests of compiled code there.

``python tools/other_builds.py --compiler clang-16``, ``--sanitize address`` (with UBSan) or ``--sanitize thread``; behind ``--`` come
pytest's arguments, by default the tests whose bits or memory a compiler can change. Copies lie in ``build/others/``, one for each pair,
since objects of one kind of build must not end up in the other; a second run compiles what changed.

The thread sanitizer sees what is compiled here. Python and NumPy are not: what they do to memory is left out, their locks are seen.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from nncore._core import native

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "_core", "activations", "layers", "losses", "optimizers", "regularizers", "constraints", "transforms", "program", "network", "data",
    "estimators", "differential",
)  # fmt: skip
TESTS = [f"tests/{folder}" for folder in FOLDERS] + [f"tests/test_{name}.py" for name in ("gradients", "missing")]
#: Under a thread sanitizer everything takes ten times as long, and one thread has no races.
THREADED_TESTS = ["tests/_core/test_runner.py", "tests/differential"]
SKIPPED = {"build", ".venv", ".git", "__pycache__", "node_modules"}
#: Freed memory is kept for a while, but not the default 256 MB of it: joblib takes that for a leak, and ends workers that have work left.
ADDRESS = "detect_leaks=0:quarantine_size_mb=64"
THREAD = "ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1"


def copy_tree(to: Path) -> None:
    """The sources as they are now; what is no longer there goes, and compiled files stay."""
    kept = set()
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in SKIPPED and not name.startswith(".")]
        for name in files:
            source = Path(folder, name)
            target = to / source.relative_to(ROOT)
            if source.suffix == ".so":
                continue
            kept.add(target)
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)  # as new: what was compiled of another text is out of date
    for target in to.rglob("*"):
        if target.is_file() and target not in kept and target.suffix != ".so" and not SKIPPED & set(target.relative_to(to).parts):
            target.unlink()


def file_of(compiler: str, name: str) -> str:
    return subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()


def runtime(compiler: str, sanitizer: str) -> str:
    """The sanitizer's library, which must be there before Python starts."""
    short = {"address": "asan", "thread": "tsan"}[sanitizer]
    return file_of(compiler, f"libclang_rt.{short}-{platform.machine()}.so" if "clang" in Path(compiler).name else f"lib{short}.so")


def build(compiler: str, sanitizer: str | None, tree: Path) -> None:
    flags = ["-Wno-unused-command-line-argument"] if "clang" in Path(compiler).name else []
    if flags and sanitizer:
        flags.append("-shared-libsan")
    environment = os.environ | {"CC": compiler, "CFLAGS": " ".join(flags), "LDFLAGS": " ".join(flags)}
    if sanitizer:  # whose compilers are slow: the plainest level and the one that this machine runs
        environment["NNCORE_SANITIZE"] = sanitizer
        environment.setdefault("NNCORE_LEVELS", f"portable {native.LEVEL}" if native.LEVEL != "portable" else "portable")
    subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=tree, env=environment, check=True)


def run(compiler: str, sanitizer: str | None, tree: Path, arguments: list[str]) -> int:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    if sanitizer:
        # libstdc++ is there from the start, since an exception of another library (matplotlib) would end the process otherwise.
        environment |= {"LD_PRELOAD": f"{runtime(compiler, sanitizer)} {file_of(compiler, 'libstdc++.so.6')}"}
        environment |= {"ASAN_OPTIONS": ADDRESS, "TSAN_OPTIONS": THREAD, "UBSAN_OPTIONS": "print_stacktrace=1"}
        # Newer systems scatter addresses more widely than sanitizers know of. What those write goes past a captured sys.stderr.
        command = ["setarch", "-R", *command, "--capture=sys"]
    return subprocess.run(command, cwd=tree, env=environment).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default=os.environ.get("CC", "gcc"))
    parser.add_argument("--sanitize", choices=["address", "thread"])
    parser.add_argument("pytest", nargs="*", help="pytest's arguments")
    arguments = parser.parse_args()
    if shutil.which(arguments.compiler) is None:
        parser.error(f"there is no compiler {arguments.compiler}: install it, or name another one with --compiler")
    tree = ROOT / "build" / "others" / f"{Path(arguments.compiler).name}-{arguments.sanitize or 'plain'}"
    tree.mkdir(parents=True, exist_ok=True)
    copy_tree(tree)
    build(arguments.compiler, arguments.sanitize, tree)
    default = THREADED_TESTS if arguments.sanitize == "thread" else TESTS
    return run(arguments.compiler, arguments.sanitize, tree, arguments.pytest or ["-n", "auto", *default])


if __name__ == "__main__":
    sys.exit(main())

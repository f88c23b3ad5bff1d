"""Builds the library with cargo; everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

#: How cargo names a library, by platform.
NAMES = {"win32": "wing.dll", "darwin": "libwing.dylib"}
#: It has no symbol of Python, so that one wheel serves all versions; free-threaded ones do not take a wheel that says so.
ANY_PYTHON = not sysconfig.get_config_var("Py_GIL_DISABLED")


class Cargo(build_ext):
    """An extension whose sources are a crate."""

    def build_extension(self, ext: Extension) -> None:
        cargo = shutil.which("cargo")
        if cargo is None:
            sys.exit("nncore-wing is written in Rust: install cargo from https://rustup.rs or with your system's packages")
        folder = Path(self.build_temp, "cargo").resolve()
        subprocess.run(
            [cargo, "build", "--release", "--locked", "--offline", "--target-dir", str(folder)], cwd=Path(__file__).parent, check=True
        )
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / "release" / NAMES.get(sys.platform, "libwing.so"), target)


setup(
    ext_modules=[Extension("nncore_wing._wing", [], py_limited_api=ANY_PYTHON)],
    cmdclass={"build_ext": Cargo},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ANY_PYTHON else {},
)

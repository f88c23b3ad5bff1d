"""Builds the Cython kernel; everything else is in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

try:
    import nncore
except ModuleNotFoundError:
    sys.exit("nncore-muon compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]

kernel = Extension("nncore_muon.kernel", ["nncore_muon/kernel.pyx"], include_dirs=[nncore.get_include()], extra_compile_args=FLAGS)
# Cython finds nncore/abi.pxd by folder, which the import hook of an editable nncore hides from it.
folders = [str(Path(nncore.__file__).parents[1])]
setup(ext_modules=cythonize([kernel], include_path=folders, build_dir="build/cython"))

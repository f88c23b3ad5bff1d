"""Builds the Cython kernel; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

try:
    import nncore
except ModuleNotFoundError:
    sys.exit("nncore-focal compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math"]

kernel = Extension("nncore_focal.kernel", ["nncore_focal/kernel.pyx"], include_dirs=[nncore.get_include()], extra_compile_args=FLAGS)
setup(ext_modules=cythonize([kernel], build_dir="build/cython"))

"""Builds the C kernels into an extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit("nncore-members compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

setup(**setup_arguments("nncore_members.native", ["nncore_members/native.c", "nncore_members/dense.c", "nncore_members/ends.c"]))

"""Builds the C kernels into an extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit("nncore-conv compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

setup(**setup_arguments("nncore_conv.native", ["nncore_conv/native.c", "nncore_conv/conv.c", "nncore_conv/max_pool.c"]))

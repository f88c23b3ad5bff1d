"""Builds the C kernel into an extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit("nncore-rescale compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

setup(**setup_arguments("nncore_rescale.native", ["nncore_rescale/native.c", "nncore_rescale/rescale.c"]))

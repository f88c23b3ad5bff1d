"""Builds the Cython kernel; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit("nncore-muon compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

setup(**setup_arguments("nncore_muon.kernel", ["nncore_muon/kernel.pyx"]))

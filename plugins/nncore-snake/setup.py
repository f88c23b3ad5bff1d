"""Builds the C kernels into one extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit("nncore-snake compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

setup(
    **setup_arguments(
        "nncore_snake.native",
        [f"nncore_snake/{name}.c" for name in ("native", "snake", "learnable_snake", "squareplus")],
        depends=["nncore_snake/cpu.h", "nncore_snake/sine.h"],
    )
)

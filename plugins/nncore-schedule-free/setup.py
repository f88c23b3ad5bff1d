"""Builds the C kernel into one extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys

from setuptools import setup

try:
    from nncore.plugin import setup_arguments
except ModuleNotFoundError:
    sys.exit(
        "nncore-schedule-free compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation"
    )

setup(
    **setup_arguments(
        "nncore_schedule_free.native",
        [f"nncore_schedule_free/{name}.c" for name in ("native", "schedule_free")],
        depends=["nncore_schedule_free/cpu.h"],
    )
)

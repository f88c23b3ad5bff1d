"""Compiler flags for the kernels of plugins, with which results have the same bits for any number of threads."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nncore.configuration import get_include

#: No -ffast-math: it would change how the whole process treats subnormal numbers. -ffp-contract=off: compilers would
#: fuse multiplications and additions in the vectors of a loop, but not in its remainder. Results would depend on the number of threads.
_FLAGS = ("-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden")
_FLAGS_OF_MICROSOFT = ("/O2", "/std:c11")


def setup_arguments(name: str, sources: Sequence[str], **extension: Any) -> dict[str, Any]:
    """Compile the kernels of a plugin: arguments for ``setuptools.setup``, as in ``setup(**setup_arguments(...))``.

    Kernels in C become a module with the stable ABI: one wheel for Python 3.11 and all later versions. Free-threaded Pythons have no stable
    ABI, and Cython does not use it: their wheels are for one version.

    Parameters
    ----------
    name : str
        Name of the module, with its package: ``"nncore_lion.kernel"``.
    sources : sequence of str
        C files, or a Cython file (``.pyx``), as paths from the folder of setup.py.
    **extension
        More arguments of ``setuptools.Extension``. Lists, such as `extra_compile_args`, are appended to those that nncore sets.

    Returns
    -------
    dict
        ``ext_modules`` and, with the stable ABI, ``options``.

    Notes
    -----
    setuptools and, for a Cython file, Cython must be installed: name them in ``[build-system] requires``.
    """
    setuptools: Any = importlib.import_module("setuptools")  # neither is needed by those who only use a plugin
    is_cython = any(source.endswith(".pyx") for source in sources)
    has_stable_abi = not is_cython and not sysconfig.get_config_var("Py_GIL_DISABLED")
    own: dict[str, Any] = {
        "include_dirs": [get_include()],
        "extra_compile_args": list(_FLAGS_OF_MICROSOFT if sys.platform == "win32" else _FLAGS),
        # A kernel that calls nothing of the C library would be linked without it, and auditwheel could not tell which one its wheel is for.
        "extra_link_args": ["-Wl,--no-as-needed"] if sys.platform == "linux" else [],
        "libraries": [] if sys.platform == "win32" else ["m"],
        "define_macros": [("Py_LIMITED_API", "0x030B0000")] if has_stable_abi else [],
        "py_limited_api": has_stable_abi,
    }
    own |= {key: [*own[key], *value] if isinstance(own.get(key), list) else value for key, value in extension.items()}
    modules = [setuptools.Extension(name, list(sources), **own)]
    if is_cython:
        cython: Any = importlib.import_module("Cython.Build")
        # `cimport` finds nncore/abi.pxd in the folder that holds the package nncore.
        modules = cython.cythonize(modules, include_path=[str(Path(get_include()).parents[1])], build_dir="build/cython")
    return {"ext_modules": modules, **({"options": {"bdist_wheel": {"py_limited_api": "cp311"}}} if has_stable_abi else {})}

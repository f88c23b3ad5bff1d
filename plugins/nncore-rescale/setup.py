"""Builds the C kernel into an extension that serves Python 3.11 and later; everything else is in pyproject.toml."""

from __future__ import annotations

import sys
import sysconfig

from setuptools import Extension, setup

try:
    import nncore
except ModuleNotFoundError:
    sys.exit("nncore-rescale compiles against the headers of an installed nncore: install nncore, then pip install --no-build-isolation")

MSVC = sys.platform == "win32"
#: A free-threaded Python has no stable ABI: there, a wheel for that version alone.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

native = Extension(
    "nncore_rescale.native",
    ["nncore_rescale/native.c", "nncore_rescale/rescale.c"],
    include_dirs=[nncore.get_include()],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    py_limited_api=STABLE_ABI,
    # A kernel that calls nothing of the C library would be linked without it, and auditwheel could not tell which one its wheel is for.
    extra_link_args=["-Wl,--no-as-needed"] if sys.platform == "linux" else [],
    extra_compile_args=["/O2", "/std:c11"]
    if MSVC
    else ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden"],
)
setup(ext_modules=[native], options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {})

"""nncore/module.h, for the tables of plugins in C, compiles with any C or C++ compiler, with and without the stable ABI."""

from __future__ import annotations

import ctypes
import importlib.util
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import nncore

SOURCE = """
#include "nncore/module.h"
#include "nncore/plugin.h"

static const nnc_loss loss = {NNC_HEAD(nnc_loss), NULL, NULL, NULL, NULL};
static const nnc_optimizer optimizer = {NNC_HEAD(nnc_optimizer), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
static const nnc_entry tables[] = {
    {"one", &loss, "nncore.loss"},
    {"another", &optimizer, "nncore.optimizer"},
};

NNC_MODULE(two_tables, "Both.", tables)
"""
STABLE_ABI = "-DPy_LIMITED_API=0x030B0000"
#: A free-threaded Python has no stable ABI.
ABIS = [[]] if sysconfig.get_config_var("Py_GIL_DISABLED") else [[], [STABLE_ABI]]


def compile_with(variable: str, options: list[str], source: Path) -> None:
    """Run the compiler of this Python (``CC`` or ``CXX``), if it and Python's headers are installed."""
    program = shlex.split(sysconfig.get_config_var(variable) or "cc")[0]
    python = Path(sysconfig.get_path("include"))
    if shutil.which(program) is None or not (python / "Python.h").exists():
        pytest.skip(f"there is no compiler {program}, or no Python.h")
    source.write_text(SOURCE, encoding="utf-8")
    command = [program, "-Wall", "-Wextra", "-Werror", "-I", nncore.get_include(), "-isystem", str(python), *options, source.name]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("variable", "standard", "suffix"), [("CC", "c11", "c"), ("CXX", "c++17", "cpp")])
@pytest.mark.parametrize("abi", ABIS)
def test_compiles_without_a_warning(variable: str, standard: str, suffix: str, abi: list[str], tmp_path: Path) -> None:
    compile_with(variable, [f"-std={standard}", "-fsyntax-only", *abi], tmp_path / f"two_tables.{suffix}")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere an extension is linked with other options")
@pytest.mark.parametrize("abi", ABIS)
def test_hands_out_each_table_under_its_name(abi: list[str], tmp_path: Path) -> None:
    options = ["-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-o", "two_tables.so", *abi]
    compile_with("CC", options, tmp_path / "two_tables.c")
    spec = importlib.util.spec_from_file_location("package.two_tables", tmp_path / "two_tables.so")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.__name__, module.__doc__) == ("package.two_tables", "Both.")
    assert {name for name in vars(module) if not name.startswith("__")} == {"one", "another"}
    is_valid = ctypes.pythonapi.PyCapsule_IsValid
    is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]
    assert is_valid(module.one, b"nncore.loss")
    assert is_valid(module.another, b"nncore.optimizer")

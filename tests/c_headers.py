"""Compiles exported C headers and runs them."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.exporters.c_text import literal

#: Strict warnings, and no fused multiply-adds.
STRICT = ("-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off")
FLAGS = ("-std=c99", "-O1", *STRICT)

_TYPES: dict[str, Any] = {"float": np.float32, "double": np.float64, "int": np.int32}
_TABLES: dict[str, Any] = {
    "char": ctypes.c_char_p,
    "long long": ctypes.c_longlong,
    "double": ctypes.c_double,
    "unsigned char": ctypes.c_bool,
}


def need(program: str) -> str:
    """The path of a program; without it, the test is skipped."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def compiled(sources: Mapping[str, str], compiler: str, flags: Sequence[str], folder: Path, output: str) -> Path:
    """Compile sources by their names; warnings are failures."""
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = [name for name in sources if Path(name).suffix in (".c", ".cpp")]
    done = subprocess.run([need(compiler), *files, *flags, "-o", output], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{compiler}: {done.stderr[:4000]}"
    assert not done.stderr, done.stderr[:4000]
    return folder / output


class HeaderText:
    """Facts that a header declares.

    Attributes
    ----------
    prefix : str
    dtype : dtype
        Of X.
    n_inputs, stack_bytes : int
    outputs : dict of str to (str, tuple of int or None)
        The C type and the shape of each; None is one number, which a function returns.
    columns : list of str
        Names of the places in X.
    """

    def __init__(self, content: bytes) -> None:
        self.text = content.decode()
        found = re.search(r"static inline void (\w+)_compute\(const (\w+) \*X(.*?)\)", self.text)
        assert found, self.text[:2000]
        self.prefix, self.c_type, self.dtype = found[1], found[2], np.dtype(_TYPES[found[2]])
        macros = {name.removeprefix(f"{self.prefix.upper()}_"): about for name, *about in re.findall(r"#define (\w+) (\d+)(.*)", self.text)}
        self.n_inputs, self.stack_bytes = int(macros["N_INPUTS"][0]), int(macros["STACK_BYTES"][0])
        self.outputs: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        for c_type, name in re.findall(r", (\w+) \*(\w+)", found[3]):
            shape = macros.get(f"N_{name.upper()}")
            self.outputs[name] = c_type, None if shape is None else tuple(map(int, re.findall(r"\d+", shape[1])))
        columns = re.search(r"/\* Columns of X\. \*/\nenum \{(.*?)\};", self.text, re.DOTALL)
        self.columns = re.findall(r"(\w+) = \d+", columns[1]) if columns else []

    def call(self, name: str, X: str, y: str) -> str:
        """A statement that computes an output of the sample at X to y."""
        function = f"{self.prefix}_{name}"
        return f"*({y}) = {function}({X})" if self.outputs[name][1] is None else f"{function}({X}, {y})"

    def size(self, name: str) -> int:
        """How many numbers an output has."""
        return int(np.prod(self.outputs[name][1] or ()))

    def table(self, name: str) -> tuple[str, int] | None:
        """The type and length of a table of constants; None if there is none."""
        found = re.search(rf"static const ([\w ]+?) ?\*?(?:const )?{name}\[(\d+)\]", self.text)
        return (found[1], int(found[2])) if found else None

    def classes(self, name: str) -> str | None:
        """The table of the classes whose numbers an output gives."""
        is_class = f"The classes whose numbers {self.prefix}_{name} gives" in self.text
        return f"{self.prefix}_classes{name.removeprefix('predict')}" if is_class else None


class CHeader(HeaderText):
    """A header that is compiled to a library.

    Parameters
    ----------
    content : bytes
        What the exporter gave.
    """

    def __init__(self, content: bytes) -> None:
        need("gcc")
        super().__init__(content)
        self._levels = {column: table for column in self.columns if (table := self.table(f"{column.lower()}_levels"))}
        with tempfile.TemporaryDirectory() as folder:
            sources = {"header.h": self.text, "run.c": f'#include "header.h"\n{self._code()}'}
            self._library = ctypes.CDLL(str(compiled(sources, "gcc", [*FLAGS, "-shared", "-fPIC"], Path(folder), "run.so")))

    def _code(self) -> str:
        """C functions over many samples, and the tables that they need."""
        parts = []
        for name, (c_type, _) in self.outputs.items():
            head = f"void run_{name}(const {self.c_type} *X, {c_type} *y, int n)"
            call = self.call(name, f"X + i * {self.n_inputs}", f"y + i * {self.size(name)}")
            parts.append(f"{head};\n{head} {{ for (int i = 0; i < n; i++) {call}; }}\n")
            if table := self.classes(name):
                parts.append(self._getter(f"get_{name}", table))
        parts += [self._getter(f"get_{column}", f"{column.lower()}_levels") for column in self._levels]
        return "".join(parts)

    def _getter(self, name: str, table: str) -> str:
        kind = self.table(table)
        assert kind is not None, table
        head = f"const {'char *const' if kind[0] == 'char' else kind[0]} *{name}(void)"
        return f"{head};\n{head} {{ return {table}; }}\n"

    def _cells(self, getter: str, kind: tuple[str, int]) -> list[Any]:
        function = getattr(self._library, getter)
        function.restype = ctypes.POINTER(_TABLES[kind[0]])
        return [cell.decode() if isinstance(cell, bytes) else cell for cell in function()[: kind[1]]]

    def matrix(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """X as the header takes it: levels by their numbers."""
        if not self.columns:
            X = next(iter(inputs.values()))
            return np.ascontiguousarray(X.reshape(len(X), -1), self.dtype)
        parts = []
        for column, values in zip(self.columns, inputs.values(), strict=True):
            if values.dtype.kind in "OU":
                levels = self._cells(f"get_{column}", self._levels[column]) if column in self._levels else []
                codes = [
                    np.nan if one is None or (one == "" and "" not in levels) else levels.index(one) if one in levels else -1
                    for one in values.ravel()
                ]
                parts.append(np.array(codes, self.dtype)[:, None])
            else:
                parts.append(values.reshape(len(values), -1))
        return np.ascontiguousarray(np.concatenate(parts, axis=1), self.dtype)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs by name."""
        X, found = self.matrix(inputs), {}
        for name, (c_type, shape) in self.outputs.items():
            y = np.full((len(X), *(shape or ())), -7, _TYPES[c_type])
            getattr(self._library, f"run_{name}")(X.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p), len(X))
            table = self.classes(name)
            if table:
                kind = self.table(table)
                assert kind is not None
                labels = self._cells(f"get_{name}", kind)
                found[name] = np.array(labels, object if kind[0] == "char" else None)[y]
            else:
                found[name] = y.astype(np.int64) if c_type == "int" else y
        return found


#: C text that writes bytes to the standard output, or stores them where printing is not possible.
PRINTS = """#include <stdio.h>
static void show(const unsigned char *bytes, int n) { int i; for (i = 0; i < n; i++) printf("%02x", bytes[i]); printf("\\n"); }
"""
KEEPS = """static unsigned char kept[1 << 20];
static int n_kept = 0;
static void show(const unsigned char *bytes, int n) { int i; for (i = 0; i < n; i++) kept[n_kept++] = bytes[i]; }
"""


def program(headers: Mapping[str, tuple[HeaderText, np.ndarray]], show: str = PRINTS, main: str = "int main(void)") -> str:
    """A program that prints the bits of all outputs of headers, by the names of their files, for rows of X (n, n_inputs)."""
    includes, calls, samples = [], [], []
    for file, (header, X) in headers.items():
        includes.append(f'#include "{file}"')
        cells = ", ".join(literal(value, header.dtype.name) for value in X.astype(header.dtype).ravel().tolist())
        samples.append(f"static const {header.c_type} X_{header.prefix}[] = {{ {cells} }};")
        for name, (c_type, _) in header.outputs.items():
            size = header.size(name)
            call = header.call(name, f"X_{header.prefix} + i * {header.n_inputs}", "y")
            shown = f"show((const unsigned char *)y, (int)sizeof y[0] * {size});"
            calls.append(f"for (i = 0; i < {len(X)}; i++) {{ {c_type} y[{size or 1}]; {call}; {shown} }}")
    return "\n".join([*includes, show, *samples, f"{main} {{", "    int i;", *(f"    {call}" for call in calls), "    return 0;", "}", ""])


def printed(executable: Sequence[str]) -> list[str]:
    """The lines that a program prints."""
    done = subprocess.run(executable, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[:2000]
    return done.stdout.split()

"""Words of C: names, numbers, strings, tables and comments that any compiler takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from nncore.errors import ExportError

LINE: Final = 120
#: What compilers of C99 must take.
LONGEST_STRING: Final = 4095

_ESCAPES: Final[dict[int, str]] = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}


def literal(value: float, dtype: str) -> str:
    """A number with the same bits in its dtype."""
    if dtype in ("int64", "bool", "uint8", "int8"):
        return str(int(value))
    suffix = "F" if dtype == "float32" else ""
    if not math.isfinite(value):
        zero = f"0.0{suffix}"
        return f"({zero} / {zero})" if math.isnan(value) else f"({'-' if value < 0 else ''}1.0{suffix} / {zero})"
    text = str(np.dtype(dtype).type(value))
    text = text if re.search(r"[.e]", text) else f"{text}.0"
    return f"({text}{suffix})" if text.startswith("-") else f"{text}{suffix}"


def string(text: str) -> str:
    """A string literal in UTF-8."""
    data = text.encode()
    if len(data) > LONGEST_STRING:
        raise ExportError(f"the text {text[:40]!r}... has {len(data):,} bytes, and strings of C99 at most {LONGEST_STRING:,}: shorten it")
    if 0 in data:
        raise ExportError(f"the text {text[:40]!r} holds a NUL character, which ends strings of C: remove it and fit again")
    return '"' + "".join(_ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in data) + '"'


def table(declaration: str, cells: Sequence[str]) -> str:
    """A constant array; of nothing, one cell that is never read."""
    cells = cells or ["0"]
    return f"static const {declaration.removeprefix('const ')}[{len(cells)}] = {{\n{_lines(cells)}}};\n"


def constants(items: Iterable[str]) -> str:
    """Names of whole numbers."""
    return f"enum {{\n{_lines(list(items))}}};\n"


def comment(text: str) -> str:
    """Convert text for a C comment: one line of printable characters that neither ends nor begins a comment, without trigraphs."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def _lines(cells: Sequence[str]) -> str:
    lines, line = [], "   "
    for number, cell in enumerate(cells):
        cell += "," if number + 1 < len(cells) else ""
        if len(line) + 1 + len(cell) > LINE and line.strip():
            lines.append(line)
            line = "   "
        line += f" {cell}"
    return "\n".join([*lines, line]) + "\n"

"""Files that a command writes: refused before the work starts, and never half-written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nncore.errors import ParameterError


def check_output(path: Path, *inputs: Path) -> None:
    """Raise `ParameterError` if `path` cannot be written, or would overwrite one of the `inputs`."""
    folder = path.parent
    if path.is_dir():
        raise ParameterError(f"--out {path} is a folder; add a file name")
    if not folder.is_dir():
        raise ParameterError(f"--out {path}: there is no folder {folder}; make it first (mkdir -p {folder})")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"--out {path}: you may not write into the folder {folder}; choose another")
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise ParameterError(f"--out {path} is a file that is read; choose another name")


def write_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text so that `path` holds either what it held or all of `text`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

"""Files that a command writes: refused before the work starts, and never half-written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from nncore.errors import ParameterError

#: Suffixes of what is no plain CSV.
NOT_CSV = frozenset(
    {
        ".arrow",
        ".bz2",
        ".feather",
        ".gz",
        ".html",
        ".json",
        ".lz4",
        ".nncore",
        ".npy",
        ".npz",
        ".parquet",
        ".pkl",
        ".pq",
        ".xls",
        ".xlsx",
        ".xz",
        ".zip",
        ".zst",
    }
)


def is_stream(path: Path) -> bool:
    """Whether there is something of this name that is no file to be replaced: a pipe, a terminal, ``/dev/stdout``."""
    return path.exists() and not path.is_file()


def check_output(path: Path, *inputs: Path, option: str = "--out", may_be_stream: bool = True) -> None:
    """Raise `ParameterError` if `path` cannot be written, or would overwrite one of the `inputs`."""
    folder = path.parent
    if path.is_dir():
        raise ParameterError(f"{option} {path} is a folder; add a file name")
    if is_stream(path):
        if not may_be_stream:
            raise ParameterError(f"{option} {path} is a device or a pipe; give the name of a file")
        if not os.access(path, os.W_OK):
            raise ParameterError(f"{option} {path}: you may not write to it; choose another")
        return
    if not folder.is_dir():
        raise ParameterError(f"{option} {path}: there is no folder {folder}; make it first (mkdir -p {folder})")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"{option} {path}: you may not write into the folder {folder}; choose another")
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise ParameterError(f"{option} {path} is a file that is read; choose another name")


def check_is_csv(path: Path, option: str = "--out") -> None:
    """Raise `ParameterError` if the name promises anything but CSV."""
    if path.suffix.lower() in NOT_CSV:
        raise ParameterError(
            f"{option} {path}: what is written is CSV, and the name says otherwise; call it {path.stem.partition('.')[0]}.csv"
        )


@contextmanager
def writing_atomically(path: Path) -> Iterator[TextIO]:
    """A file for UTF-8 text that gets the name `path` when all is written; until then, and if that fails, `path` stays what it is.

    A link stays one. What is there and no file, like a pipe or ``/dev/stdout``, is written to as it is.
    """
    if is_stream(path):
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text so that `path` holds either what it held or all of `text`."""
    with writing_atomically(path) as file:
        file.write(text)

"""Output files of commands: checked before the work starts; and pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nncore.errors import ParameterError
from nncore.files import is_stream, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Suffixes of files that are not plain CSV.
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


def check_output(path: Path, *inputs: Path, option: str = "--out", may_be_stream: bool = True) -> None:
    """Raise `ParameterError` if `path` cannot be written, or would overwrite one of the `inputs`."""
    folder = path.parent
    if path.is_dir():
        raise ParameterError(f"{option} {path} is a folder; add a file name")
    if is_stream(path):
        if not may_be_stream:
            raise ParameterError(f"{option} {path} is a device or a pipe; use the name of a file")
        if not os.access(path, os.W_OK):
            raise ParameterError(f"{option} {path}: no permission to write; choose another file")
        return
    if not folder.is_dir():
        raise ParameterError(f"{option} {path}: the folder {folder} does not exist; create it first (mkdir -p {folder})")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"{option} {path}: no permission to write to the folder {folder}; choose another")
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise ParameterError(f"{option} {path} is also an input file; choose another name")


def check_is_csv(path: Path, option: str = "--out") -> None:
    """Raise `ParameterError` if the suffix belongs to another format than CSV."""
    if path.suffix.lower() in NOT_CSV:
        raise ParameterError(
            f"{option} {path}: the output is CSV, but the name has another suffix; call it {path.stem.partition('.')[0]}.csv"
        )


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture in the format that the suffix of `path` names, PNG without one."""
    with writing(path, may_be_stream=True) as file:
        figure.savefig(file, format=path.suffix[1:] or "png")

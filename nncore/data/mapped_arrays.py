"""Memory-map arrays in ``.npy`` and ``.npz`` files: data are read only when used."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nncore.errors import DataError

#: Header of a member in a zip archive: its length, and the position of the lengths of the name and of the extra field.
_ZIP_HEADER, _ZIP_LENGTHS = 30, slice(26, 30)


def mapped(path: str | Path) -> np.ndarray:
    """Memory-map the array of a ``.npy`` file.

    Raises
    ------
    DataError
        If the file cannot be read, is not a ``.npy`` file, or holds Python objects.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a .npy file: {error}") from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path} is not a .npy file")
    return found


def mapped_members(path: str | Path) -> dict[str, np.ndarray]:
    """Memory-map the arrays of a ``.npz`` file, by name.

    Raises
    ------
    DataError
        If the file cannot be read, is not a ``.npz`` file, is compressed, or holds Python objects.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED:
                    raise DataError(f"{path} is compressed, so that it cannot be memory-mapped: write it by numpy.savez or numpy.save")
                file.seek(member.header_offset)
                lengths = np.frombuffer(file.read(_ZIP_HEADER)[_ZIP_LENGTHS], "<u2")
                file.seek(member.header_offset + _ZIP_HEADER + int(lengths.sum()))
                found[member.filename.removesuffix(".npy")] = _mapped_here(file, path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as a .npz file: {error}") from None
    return found


def _mapped_here(file: BinaryIO, path: str | Path) -> np.ndarray:
    """Memory-map the array of a ``.npy`` file inside another file, at its current position."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read_header is None:
        raise ValueError(f"version {version} of its format")
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:  # the file would hold addresses of objects
        raise ValueError("it holds Python's objects")
    return np.memmap(path, dtype, "r", file.tell(), shape, "F" if is_fortran else "C")

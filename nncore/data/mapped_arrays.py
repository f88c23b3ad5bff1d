"""Arrays in ``.npy`` and ``.npz`` files, memory-mapped: nothing is read before it is asked for."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nncore.errors import DataError

#: Of the header of a member in a zip archive: its length, and where the lengths of the name and of what follows stand.
_ZIP_HEADER, _ZIP_LENGTHS = 30, slice(26, 30)


def mapped(path: str | Path) -> np.ndarray:
    """The array of a ``.npy`` file.

    Raises
    ------
    DataError
        If it cannot be read, is no such file, or holds Python's objects.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a .npy file: {error}") from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path} is no .npy file")
    return found


def mapped_members(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a ``.npz`` file by their names.

    Raises
    ------
    DataError
        If it cannot be read, is no such file, is compressed, or holds Python's objects.
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
    """The array whose ``.npy`` file stands inside of another file, from where that is read."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read_header is None:
        raise ValueError(f"version {version} of its format")
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:  # whose addresses the file would say
        raise ValueError("it holds Python's objects")
    return np.memmap(path, dtype, "r", file.tell(), shape, "F" if is_fortran else "C")

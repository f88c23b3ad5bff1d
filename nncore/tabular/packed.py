"""Decompress files while reading, also nested compression, within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, BinaryIO, cast

from nncore.configuration import require
from nncore.errors import DataError
from nncore.tabular.magic import HEAD
from nncore.tabular.passed_on import PassedOn

#: Largest depth of nested compression.
MOST_LAYERS = 4

#: Largest compression ratio. A file beyond it is a decompression bomb and not a table. Small files are exempt.
MOST_TIMES = 250
FREE_BYTES = 2**26


def _by_arrow(codec: str) -> Callable[[BinaryIO], Any]:
    def opened(file: BinaryIO) -> Any:
        arrow = require("pyarrow", extra="parquet", purpose=f"reading a file compressed by {codec}")
        return arrow.CompressedInputStream(arrow.PythonFile(file, mode="r"), codec)

    return opened


def _by_zip(file: BinaryIO) -> IO[bytes]:
    """The single file in a zip archive."""
    if not file.seekable():
        raise DataError("is a zip archive, which cannot be read from a pipe; give the name of a file")
    archive = zipfile.ZipFile(file)
    members = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    names = {info.filename for info in members}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DataError("is a spreadsheet or another Office document, not a table of text; export the sheet as CSV (UTF-8)")
    if names and all(name.endswith(".npy") for name in names):
        raise DataError("is a file of NumPy arrays (.npz), not a table of text; write it as CSV, or train in Python")
    if len(members) != 1:
        shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
        raise DataError(f"is a zip archive of {len(members)} files ({shown}), not of one; unpack it, and give the name of a file in it")
    if members[0].flag_bits & 1:
        raise DataError("is a zip archive with a password; unpack it first")
    return archive.open(members[0])


#: First bytes of compressed formats.
PACKERS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    **{b"BZh%d1AY&SY" % level: bz2.BZ2File for level in range(1, 10)},
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x5d\0\0": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _by_arrow("zstd"),
    b"\x04\x22\x4d\x18": _by_arrow("lz4"),
    b"PK\x03\x04": _by_zip,
    b"PK\x05\x06": _by_zip,
}


def unpacked(file: io.BufferedReader, source: str) -> io.BufferedReader:
    """Decompress a file. Returns `file` itself if it is not compressed.

    Raises
    ------
    DataError
        Here or while reading: if the file is damaged or truncated, compressed more than `MOST_LAYERS` times, or larger than `MOST_TIMES`
        its compressed size.
    """
    packed: _Counted | None = None
    for _ in range(MOST_LAYERS):
        head = file.peek(HEAD)
        packer = next((packer for first, packer in PACKERS.items() if head.startswith(first)), None)
        if packer is None:
            return file
        raw = _Counted(file)
        packed = packed or raw
        try:
            file = io.BufferedReader(_Unpacked(packer(cast(BinaryIO, raw)), packed, source))
        except DataError as error:
            raise DataError(f"{source} {error}") from None
        except zipfile.BadZipFile:
            raise _cut_off(source) from None
        except NotImplementedError:
            raise DataError(f"{source} is compressed in an unknown format; unpack it first") from None
    if any(file.peek(HEAD).startswith(first) for first in PACKERS):
        raise DataError(f"{source} was packed more than {MOST_LAYERS} times; unpack it first")
    return file


def _cut_off(source: str) -> DataError:
    return DataError(f"{source} is damaged or cut off: its compressed data ends too early; download or copy it again")


class _Counted(PassedOn):
    """A file that counts the bytes read."""

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__(file)
        self.n_bytes = 0

    def readinto(self, buffer: Any) -> int:
        n = self.file.readinto(buffer)
        self.n_bytes += n
        return n


class _Unpacked(io.RawIOBase):
    """A decompressed stream that turns all errors of the decompressor into one."""

    def __init__(self, stream: Any, packed: _Counted, source: str) -> None:
        self.stream, self.packed, self.source, self.n_bytes = stream, packed, source, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.stream.read(len(buffer))
            while 0 < len(data) < min(HEAD, len(buffer)) and (more := self.stream.read(len(buffer) - len(data))):  # for detection
                data += more
        except OSError as error:
            if error.errno is not None:  # an error of the system, not of the data
                raise
            raise _cut_off(self.source) from None
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError, NotImplementedError):
            raise _cut_off(self.source) from None
        buffer[: len(data)] = data
        self.n_bytes += len(data)
        if self.n_bytes > max(FREE_BYTES, MOST_TIMES * self.packed.n_bytes):
            raise DataError(f"{self.source} unpacks to more than {MOST_TIMES} times its size; if it is a table, unpack it first")
        return len(data)

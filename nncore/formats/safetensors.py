"""The built-in file format: safetensors, with a checksum and the same bytes for the same content. No pickle, nothing executed.

Read and written here with NumPy and the standard library: the package safetensors orders its metadata by chance and knows no checksum.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.errors import FileFormatError, ParameterError
from nncore.plugin import Format

FORMAT_VERSION = 2

#: safetensors' names of dtypes; numbers are little-endian.
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U64": "<u8", "U32": "<u4",
    "U16": "<u2", "U8": "<u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}

#: Alignment of numbers in bytes.
ALIGNMENT = 64

#: NumPy's limit before 2.0.
_MOST_DIMENSIONS = 32

_LENGTH = 8  # bytes that say how long the header is
_BEGIN = '{{"__metadata__":{{"format":"nncore","format_version":"{version}","checksum":"{checksum}",'
_FOUND = re.compile(rb'\{"__metadata__":\{"format":"nncore","format_version":"([0-9]{1,9})",(?:"checksum":"([0-9a-f]{64})",)?')

#: How other files begin.
_OTHERS = {
    b"PK\x03\x04": "this is a ZIP archive (PyTorch's, Keras' and NumPy's .npz are some)",
    b"\x80": "this may be a pickle, which is read by Python's pickle or joblib",
    b"\x89HDF": "this is an HDF5 file (Keras' .h5 is one)",
    b"\x93NUMPY": "this is an array of NumPy",
    b"\x1f\x8b": "this is compressed with gzip: unpack it",
}


class Safetensors(Format):
    """A safetensors file whose metadata are strings: ``format`` ("nncore"), ``format_version`` ("2"), ``checksum``, ``description`` (JSON).

    The checksum is the SHA-256 of all bytes of the file but its own 64 digits. The same content has the same bytes: keys come in the
    order of the description, tensors by the size of their numbers and their names. Other readers of safetensors read the file too.
    """

    suffixes = (".nncore", ".safetensors")
    version = FORMAT_VERSION

    def encode(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
        arrays = {name: np.ascontiguousarray(view) for name, view in tensors.items()}
        names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
        table, at = [], 0
        for name in names:
            dtype = arrays[name].dtype.newbyteorder("<")
            if dtype not in _NAMES:
                raise ParameterError(f"the tensor {name!r} has dtype {dtype}, which this format cannot store: use {', '.join(DTYPES)}")
            entry = {"dtype": _NAMES[dtype], "shape": list(tensors[name].shape), "data_offsets": [at, at + arrays[name].nbytes]}
            table.append(f"{json.dumps(name)}:{_text(entry)}")
            at += arrays[name].nbytes
        begin = _BEGIN.format(version=FORMAT_VERSION, checksum="0" * 64)
        header = f'{begin}"description":{json.dumps(_text(document))}}}{"".join(f",{entry}" for entry in table)}}}'
        header += " " * (-(_LENGTH + len(header)) % ALIGNMENT)
        place = begin.index("0" * 64)
        length = len(header).to_bytes(_LENGTH, "little")
        parts: list[bytes | memoryview] = [length, header[:place].encode(), b"", header[place + 64 :].encode()]
        parts += [_little_endian(arrays[name]) for name in names]
        checksum = hashlib.sha256()
        for part in parts:
            checksum.update(part)
        parts[2] = checksum.hexdigest().encode()
        return b"".join(parts)

    def decode(self, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
        length = int.from_bytes(data[:_LENGTH], "little")
        begin = _LENGTH + length
        found = _FOUND.match(data, _LENGTH)
        if found is None:
            raise FileFormatError(f"it does not begin like a network that nncore saved: {_begins(data)}")
        if begin > len(data):
            raise FileFormatError(
                f"it is damaged or cut short: its first 8 bytes say that its header ends at byte {begin}, and it has {len(data)} bytes"
            )
        if int(found[1]) > FORMAT_VERSION:
            raise FileFormatError(
                f"format version {int(found[1])} is newer than this nncore can read ({FORMAT_VERSION}): pip install -U nncore-ml"
            )
        if int(found[1]) < FORMAT_VERSION or found[2] is None:
            raise FileFormatError(
                f"format version {int(found[1])} is not one that this nncore reads ({FORMAT_VERSION}): save the network again"
            )
        checksum, bytes_of = hashlib.sha256(), memoryview(data)
        checksum.update(bytes_of[: found.start(2)])
        checksum.update(bytes_of[found.end(2) :])
        if checksum.hexdigest().encode() != found[2]:
            raise FileFormatError(
                f"it is damaged or cut short: the checksum of its {len(data)} bytes does not match: use another copy or save it again"
            )
        header = _parsed(str(bytes_of[_LENGTH:begin], "utf-8", "replace"), "header")
        metadata = header.pop("__metadata__") if isinstance(header, dict) else None
        if not isinstance(metadata, dict) or metadata.keys() != {"format", "format_version", "checksum", "description"}:
            raise FileFormatError("the metadata in the header are not format, format_version, checksum and description")
        if not isinstance(metadata["description"], str):
            raise FileFormatError("the description is not text")
        return _parsed(metadata["description"], "description"), _tensors(header, data, begin)


def _begins(data: bytes) -> str:
    """Describe what a file is that does not begin like this format."""
    if data[_LENGTH:].startswith(b"{"):
        return "these are tensors that another program wrote, or it is damaged at its beginning"
    return next((what for begin, what in _OTHERS.items() if data.startswith(begin)), f"its first bytes are {data[:16]!r}")


def _text(value: Any) -> str:
    """JSON, in one way for one value; numbers that JSON lacks as Python and JavaScript write them: NaN, Infinity."""
    return json.dumps(value, separators=(",", ":"))


def _little_endian(array: np.ndarray) -> memoryview:
    flat = array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1)
    return memoryview(flat.view(np.uint8))  # type: ignore[arg-type]  # NumPy 2 on Python 3.11 does not say that it is a buffer


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"the {what} is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; readers differ in which of two equal names counts."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has the same name twice")
    return value


def _tensors(table: dict[str, Any], data: bytes, begin: int) -> dict[str, np.ndarray]:
    """Views of the bytes from `begin` on, which the tensors must fill, without a hole and without an overlap."""
    entries = {name: _entry(name, entry) for name, entry in table.items()}
    tensors, at = {}, 0
    for name in sorted(entries, key=lambda name: entries[name][2:]):
        dtype, shape, start, end = entries[name]
        size = math.prod(shape)
        if start != at or end - start != size * dtype.itemsize or end > len(data) - begin:
            raise FileFormatError(f"the tensor {name!r} does not start and end where its shape and the tensor before it imply")
        flat = np.frombuffer(data, dtype, size, begin + start)
        try:
            tensors[name] = flat.reshape(shape).astype(dtype.newbyteorder("="), copy=False)
        except ValueError as error:  # shapes with a zero in them may have any other number
            raise FileFormatError(f"the tensor {name!r} has an impossible shape: {error}") from None
        at = end
    if at != len(data) - begin:
        raise FileFormatError(f"it has {len(data) - begin - at} bytes after the last tensor")
    return tensors


def _entry(name: str, entry: Any) -> tuple[np.dtype, tuple[int, ...], int, int]:
    """The dtype, the shape and the place of a tensor."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise FileFormatError(f"the tensor {name!r} must have dtype, shape and data_offsets, got {shown(entry)}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FileFormatError(f"the tensor {name!r} holds {dtype!r:.20}, which this nncore does not read: {', '.join(DTYPES)}")
    if not _are_counts(shape) or len(shape) > _MOST_DIMENSIONS or not _are_counts(offsets) or len(offsets) != 2:
        raise FileFormatError(f"the tensor {name!r} has an impossible shape or place: {shape!r:.80}, {offsets!r:.80}")
    return np.dtype(DTYPES[dtype]), tuple(shape), offsets[0], offsets[1]


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 2**63 for number in value)

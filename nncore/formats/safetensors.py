"""The built-in file format: safetensors with a JSON description, no pickle, nothing executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nncore.configuration import require
from nncore.errors import FileFormatError
from nncore.plugin import Format

FORMAT = "nncore"
FORMAT_VERSION = 1


class Safetensors(Format):
    """A safetensors file whose metadata are strings: ``format`` ("nncore"), ``format_version`` ("1"), ``architecture`` (JSON).

    Needs the extra ``save``.
    """

    suffixes = (".nncore", ".safetensors")

    def encode(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
        library = require("safetensors.numpy", extra="save", purpose="saving a network")
        metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), "architecture": json.dumps(document)}
        data: bytes = library.save({name: np.ascontiguousarray(view) for name, view in tensors.items()}, metadata=metadata)
        return data

    def read(self, path: Path) -> tuple[Any, dict[str, np.ndarray]]:
        safetensors = require("safetensors", extra="save", purpose="loading a network")
        try:
            # The library checks the header, and that the tensors fill the rest of the file, before it takes memory.
            with safetensors.safe_open(path, framework="numpy") as file:
                return _document(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except safetensors.SafetensorError as error:
            raise FileFormatError(f"it is damaged, or not a network that nncore saved: {error}") from error


def _document(metadata: dict[str, str] | None) -> Any:
    """The description in a file's metadata: what the JSON holds, unchecked."""
    metadata = metadata or {}
    if metadata.get("format") != FORMAT:
        raise FileFormatError("this is a safetensors file, but not one that nncore saved")
    version = metadata.get("format_version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9 or int(version) < 1:
        raise FileFormatError(f"format_version {version!r:.40} is not a number")
    if int(version) > FORMAT_VERSION:
        raise FileFormatError(
            f'format version {version} is newer than this nncore can read ({FORMAT_VERSION}): pip install -U "nncore-ml[save]"'
        )
    try:
        return json.loads(metadata.get("architecture", ""))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"the architecture is not JSON: {error}") from None

"""Networks to save, a comparison of networks, and functions that split and rebuild their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nncore as nn

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X.sum(axis=1) > 0).astype(np.int64)


def built(dtype: str = "float32", optimizer: Any = "adam", loss: str | None = "softmax_cross_entropy") -> nn.Sequential:
    layers = nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dropout(0.25), nn.Dense(2)
    return nn.Sequential(*layers).build(3, loss=loss, optimizer=optimizer, rng=7, dtype=dtype)


def trained(dtype: str = "float32", optimizer: Any = "adam") -> nn.Sequential:
    network = built(dtype, optimizer)
    network.fit(X, Y, epochs=2, batch_size=16, progress=False)
    return network


def trained_size() -> int:
    return built().n_parameters


def assert_equal(one: nn.Sequential, other: nn.Sequential) -> None:
    """Compare two networks bit for bit, in everything that decides how training continues."""
    for name in ("named_parameters", "named_buffers"):
        first, second = getattr(one, name)(), getattr(other, name)()
        assert list(first) == list(second)
        assert all(first[key].tobytes() == second[key].tobytes() for key in first)
    assert (one.dtype, one.input_shape, one.output_shape) == (other.dtype, other.input_shape, other.output_shape)
    assert (one.n_steps, one.n_epochs, one.seed, one.weight_decay) == (other.n_steps, other.n_epochs, other.seed, other.weight_decay)
    assert one.metadata == other.metadata
    assert one.describe() == other.describe()
    if one.optimizer is not None:
        kept, again = one.optimizer_state, other.optimizer_state
        assert list(kept) == list(again)
        assert all(kept[name].tobytes() == again[name].tobytes() for name in kept)


def parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a file into its header, with the description as an object, and its data."""
    length = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + length])
    header["__metadata__"]["description"] = json.loads(header["__metadata__"]["description"])
    return header, file[8 + length :]


def network_in(header: dict[str, Any]) -> dict[str, Any]:
    """Description of the network in the header of a file."""
    found: dict[str, Any] = header["__metadata__"]["description"]["network"]
    return found


def joined(header: dict[str, Any], data: bytes) -> bytes:
    """A file of these parts, with a correct checksum."""
    if "__metadata__" in header and not isinstance(header["__metadata__"].get("description", ""), str):
        header["__metadata__"]["description"] = json.dumps(header["__metadata__"]["description"])
    text = json.dumps(header, separators=(",", ":")).encode()
    return sealed(len(text).to_bytes(8, "little") + text + data)


def sealed(file: bytes) -> bytes:
    """The same file with a corrected checksum, if it has a place for one."""
    place = file.find(b'"checksum":"') + len('"checksum":"')
    if place < len('"checksum":"') or len(file) < place + 64:
        return file
    checksum = hashlib.sha256(file[:place] + file[place + 64 :]).hexdigest().encode()
    return file[:place] + checksum + file[place + 64 :]


def tampered(file: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    header, data = parts(file)
    change(header)
    return joined(header, data)


def with_field(file: bytes, field: str, value: Any) -> bytes:
    return tampered(file, lambda header: network_in(header).__setitem__(field, value))


def load_bytes(file: bytes, folder: Path) -> nn.Sequential:
    path = folder / "damaged.nncore"
    path.write_bytes(file)
    return nn.load(path)

"""Permitted results of reading untrusted bytes: `tools/fuzz_readers.py` searches for bytes that break these promises."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import random
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from network.files import joined, parts, sealed

import nncore as nn
from nncore import registry
from nncore.cli.config_file import as_toml, read_config
from nncore.cli.settings import Settings
from nncore.contract import Layer
from nncore.errors import NNCoreError, PluginWarning
from nncore.tabular import TableEncoder, column_kinds, infer_target, read_table

#: Texts from real files, which fuzzing inserts in addition to those it finds by itself.
WORDS = [
    "NaN",
    "Infinity",
    "null",
    "-1",
    "1e999",
    "9223372036854775808",
    "18446744073709551616",
    '""',
    "\ufeff",
    "\x1b[31m",
    "NA",
    "1.500,25",
]

#: Predictions of larger networks would only take time.
_MOST_INPUTS = 10_000


@dataclass(frozen=True)
class Target:
    """A reader under test.

    Attributes
    ----------
    check : callable
        Takes the bytes of a file; raises if a promise is broken, and returns whether the file was read.
    seeds : callable
        Returns files to begin with.
    mutate : callable
        Makes structured changes that random bytes would not: takes the file and a `random.Random`.
    code : tuple of str
        Paths of the reader's source files, from the root of the tree.
    """

    check: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    mutate: Callable[[bytes, random.Random], bytes]
    code: tuple[str, ...]


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process, removed at its end; in memory where the system supports it."""
    return tempfile.TemporaryDirectory(prefix="nncore-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


def written(data: bytes, suffix: str) -> Path:
    path = Path(_folder().name, f"input{suffix}")
    path.write_bytes(data)
    return path


# A saved network


def check_load(data: bytes) -> bool:
    """Check that a file is rejected by an error of nncore, or its network predicts and can be saved to the same bytes."""
    path = written(data, ".nncore")
    try:
        networks = _loaded(path)
    except NNCoreError:
        return False
    for network in networks:
        if math.prod(network.input_shape) <= _MOST_INPUTS:
            _predict(network)
        network.save(path)
        first = path.read_bytes()
        _loaded(path)[0].save(path)
        assert path.read_bytes() == first, "a network has other bytes after reading and saving"
    return True


def _loaded(path: Path) -> list[nn.Sequential]:
    """The networks of a file; missing parts of a network are allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        networks = nn.load_many(path)
    return list(networks.values()) if isinstance(networks, dict) else networks


def _predict(network: nn.Sequential) -> None:
    with np.errstate(all="ignore"), contextlib.suppress(NNCoreError):  # a file may hold any number, and an embedding too few codes for 0
        network.predict(np.zeros((2, *network.input_shape), network.dtype))


def check_load_deep(data: bytes) -> bool:
    """Check the file with a corrected checksum, so that not all changes are rejected because of it."""
    return check_load(sealed(data))


def saved_networks() -> list[bytes]:
    """One network for each layer of the registry, trained a step with each optimizer, schedule and loss in turn, and two in one file."""
    rng = np.random.default_rng(0)
    optimizers, schedules = sorted(registry.names("optimizers")), sorted(registry.names("schedules"))
    files, path = [], written(b"", ".nncore")
    for i, name in enumerate(sorted(registry.names("layers"))):
        network = _network(registry.get("layers", name))
        if network is None:
            continue
        inputs = rng.integers(0, 2, size=(6, 3)).astype(float)
        fit = {"optimizer": optimizers[i % len(optimizers)], "schedule": schedules[i % len(schedules)]}
        try:
            network.fit(inputs, rng.normal(size=(6, 2)), loss="mse", epochs=1, batch_size=4, rng=0, progress=False, **fit)
        except NNCoreError:  # schedules with required arguments, layers without parameters
            network.build(3, loss="mse", optimizer="adam", rng=0)
        network.metadata = {"names": ["a", "b", "c"]}
        network.save(path)
        files.append(path.read_bytes())
    nn.save_many({"first": nn.load(path), "second": nn.load(path)}, path)
    return [*files, path.read_bytes()]


def _network(layer: type[Layer]) -> nn.Sequential | None:
    """A small network with a layer, if simple arguments suffice for it."""
    for arguments in ((), (4,), ("tanh",), (2, 3), ([nn.Dense(3)],)):
        try:
            network = nn.Sequential(layer(*arguments), nn.Flatten(), nn.Dense(2))
            network.build(3, rng=0)
        except (TypeError, NNCoreError):
            continue
        return network
    return None


_HOSTILE = [-1, 0, 1, 2**31, 2**40, 2**63, 10**30, 1e308, float("nan"), True, None, "", "relu", [], {}, [[[[]]]], "\x1b[2J", "../../x"]


def mutate_network(data: bytes, rng: random.Random) -> bytes:
    """Change one value of the description or of the table of tensors, in a file that is otherwise valid."""
    try:
        header, numbers = parts(data)
        metadata = header.pop("__metadata__")
        description = metadata["description"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return data
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _change_one(rng.choice([description, description, description, header]), rng)
    return joined({"__metadata__": metadata | {"description": json.dumps(description)}, **header}, numbers)


def _change_one(value: Any, rng: random.Random) -> None:
    places = list(_places(value))
    if not places:
        return
    holder, key = rng.choice(places)
    action = rng.random()
    if action < 0.6:
        holder[key] = copy.deepcopy(rng.choice(_HOSTILE))
    elif action < 0.75:
        del holder[key]
    elif action < 0.9:
        other, other_key = rng.choice(places)
        holder[key] = json.loads(json.dumps(other.get(other_key) if isinstance(other, dict) else None))
    elif isinstance(holder, dict):
        holder[rng.choice(["name", "rate", "x" * 300, "", "__class__"])] = copy.deepcopy(holder[key])
    else:
        holder.append(copy.deepcopy(holder[key]))


def _places(value: Any) -> Any:
    """Every entry of every list and object."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in items:
        yield value, key
        yield from _places(inner)


# A table


def check_table(data: bytes) -> bool:
    """Check that a file is rejected by an error of nncore, or becomes a table with one row a line, and finite numbers or NaN."""
    path = written(data, ".csv")
    try:
        table = read_table(path)
        assert len(set(table.names)) == len(table.names)
        target = table.names[len(data) % len(table.names)]
        rows = [row for row, value in enumerate(table.column(target)) if value is not None]
        table = table.select_rows(rows)
        kind, _ = infer_target(target, [str(value) for value in table.column(target)], None)
        encoder = TableEncoder.fit(table, column_kinds(table, target), target, kind, range(len(rows)))
        matrix, _ = encoder.transform(table)
        encoder.transform_target(table)
    except NNCoreError:
        return False
    assert len(matrix) == len(rows)
    assert not np.isinf(matrix).any()
    return True


def tables() -> list[bytes]:
    return [
        b"a,b,y\n1,x,0\n2,z,1\n3,,0\n",
        b"a;b;y\r\n1,5;x;0\r\n2,25;z;1\r\n",
        b'\xef\xbb\xbf"a","b"\n"1 ""2""","x\ny"\n"NA","-"\n',
        b"1\t2\t3\n4\t5\t6\n",
        b"height|unit|class\n45$|12 %|None\n1,000|TRUE|Mild\n1.500|true|None\n",
        b"when,price\n2026-11-28,1e5\n2026-11-29,inf\n",
        b'c\n\n1\n""\n2\n',
        "\u0663;\u00bd\n1\u00a0000;2\n".encode(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K\xd4I\xd2\xa9\xe4J\xd4\x01\x00\x00\x00\xff\xff",
    ]


def mutate_lines(data: bytes, rng: random.Random) -> bytes:
    """Repeat, drop or swap parts of lines, or put in a word."""
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(5)
    if action == 0:
        lines[i] = lines[j]
    elif action == 1:
        lines.insert(i, lines[j])
    elif action == 2:
        del lines[i]
    else:
        at = rng.randrange(len(lines[i]) + 1)
        word = rng.choice([*WORDS, ",", ";", "\t", '"', "\r", "[", "]", "=", "'"]).encode()
        lines[i] = lines[i][:at] + word + lines[i][at + rng.choice([0, 0, 1, 2]) :]
    return b"\n".join(lines)


# A configuration


def check_configuration(data: bytes) -> bool:
    """Check that a file is rejected by an error of nncore, or sets options of `nncore train` and no others."""
    try:
        read_config(written(data, ".toml"))
    except NNCoreError:
        return False
    return True


def configurations() -> list[bytes]:
    return [
        as_toml(Settings()).encode(),
        b'[data]\ndata = "x.csv"\ntarget = "y"\ndrop = ["a", "b"]\n',
        b'[training]\noptimizer = { name = "adamw", lr = 0.01 }\nschedule = { lr = "cosine" }\n',
        b"epochs = 3\nlayers = [64, 32]\nseed = 18446744073709551616\n",
    ]


_LOADING = ("nncore/formats/*", "nncore/network/loading.py", "nncore/network/reading.py", "nncore/network/document.py")

TARGETS = {
    "load": Target(check_load, saved_networks, mutate_network, _LOADING),
    "load_deep": Target(check_load_deep, saved_networks, mutate_network, _LOADING),
    "table": Target(check_table, tables, mutate_lines, ("nncore/tabular/*",)),
    "configuration": Target(check_configuration, configurations, mutate_lines, ("nncore/cli/config_file.py",)),
}

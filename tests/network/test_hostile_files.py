"""Files that are damaged anywhere, need much memory, or contain any user data are either loaded or refused with an error."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.everything import networks
from network.files import joined, load_bytes, network_in, parts, sealed, trained, with_field

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError, NNCoreError, PluginWarning
from nncore.network.document import DEFAULT_FORMAT

# ---- every value of every file ----------------------------------------------------------------------------------------------

#: JSON that is deeply nested only in the text.
_DEEP = "a hundred thousand lists, one in the other"
HOSTILE: list[Any] = [
    -1, 0, 0.5, 2**31, 2**40, 2**63, 10**30, 10**400, 1e308, math.nan, math.inf, True, None, "", "x" * 1000, [], [2**40], [1] * 1000, {},
    {"name": "relu"}, _DEEP,
]  # fmt: skip

#: Memory that a child process may take in addition to that of its networks, and CPU seconds.
_MEGABYTES, _SECONDS = 300, 300


def places(value: Any, component: str = "", path: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
    """Every value in an object of JSON: its holder, its key there, and the component and keys that identify it."""
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            component, path = f"{value.get('kind', '')} {value['name']}", ()
        for key, inner in value.items():
            yield value, key, (component, *path, key)
            yield from places(inner, component, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield value, index, (component, *path, "[]")
            yield from places(inner, component, (*path, "[]"))


def variants(file: bytes, seen: set[tuple[str, ...]]) -> Iterator[tuple[str, list[bytes]]]:
    """Files with one value replaced, for each kind of value not seen before in the description and the table of tensors."""
    header, numbers = parts(file)
    metadata = header.pop("__metadata__")
    for holder, key, path in [*places(metadata["description"]), *places(header)]:
        where = path if path[1:2] or holder is not header else ("", "the tensor's name")
        if where in seen:
            continue
        seen.add(where)
        files, before = [], holder[key]
        for value in HOSTILE:
            holder[key] = value
            text = json.dumps(metadata["description"]).replace(json.dumps(_DEEP), "[" * 100_000 + "]" * 100_000)
            whole = json.dumps({"__metadata__": {**metadata, "description": text}, **header}, separators=(",", ":"))
            whole = whole.replace(json.dumps(_DEEP), "[" * 100_000 + "]" * 100_000)
            files.append(sealed(len(whole).to_bytes(8, "little") + whole.encode() + numbers))
        holder[key] = before
        yield " ".join(where), files


def check_all(folder: Path, most: int) -> None:
    """Runs in a separate process: load `most` of the files of each place, and print those that neither load nor are refused."""
    import resource

    os.fsync = lambda descriptor: None  # disks are slow, and nothing here must persist
    path, seen, n_files, rng = folder / "net.nncore", set[tuple[str, ...]](), 0, random.Random(os.environ.get("NNCORE_SEED", "0"))
    files = []
    for name, network in networks():
        network.save(path)
        files.append((name, path.read_bytes()))
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEGABYTES * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    for name, file in files:
        for where, bad in variants(file, seen):
            for number in rng.sample(range(len(bad)), min(most, len(bad))):
                n_files += 1
                path.write_bytes(bad[number])
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("error")
                        warnings.simplefilter("ignore", PluginWarning)
                        network = nn.load(path)
                    network.save(folder / "again.nncore")
                except NNCoreError:
                    pass
                except BaseException as error:  # the faults that are searched for
                    print(f"{name}: {where} = {HOSTILE[number]!r:.60}: {type(error).__name__}: {error!s:.200}")
    print(len(seen), n_files)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of a process as on Linux")
@pytest.mark.parametrize("most", [1, pytest.param(len(HOSTILE), marks=pytest.mark.slow)])
def test_whatever_stands_in_a_file_costs_no_more_than_the_file(most: int, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from network.test_hostile_files import *; check_all(Path(sys.argv[1]), int(sys.argv[2]))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(most)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    *faults, counts = done.stdout.splitlines()
    assert faults == []
    n_places, n_files = map(int, counts.split())
    assert n_places > 400
    assert n_files == n_places * most


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of a process as on Linux")
@pytest.mark.slow
def test_a_file_of_many_things_takes_time_in_proportion(tmp_path: Path) -> None:
    """Loading many things takes time in proportion: quadratic work for 30,000 would exceed the limit."""
    (tmp_path / "flat.nncore").write_bytes(saved(nn.Sequential(nn.Flatten()).build(6), tmp_path))
    (tmp_path / "trained.nncore").write_bytes(saved(trained(), tmp_path))
    code = (
        "import resource, sys; from pathlib import Path; from network.test_hostile_files import many\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (100, 100)); many(Path(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)


def many(folder: Path) -> None:
    n, flat, file = 30_000, (folder / "flat.nncore").read_bytes(), (folder / "trained.nncore").read_bytes()
    layer, header = network_in(parts(flat)[0])["layers"], parts(file)[0]
    for name, bad in {
        "layers": with_field(flat, "layers", layer * n),
        "groups": with_field(file, "groups", {f"*.weight{'*' * (i % 7)}": {"lr_factor": 1.0} for i in range(n)}),
        "callbacks": with_field(file, "callbacks", [{"callback": "A()", "numbers": {}, "arrays": []}] * n),
        "components": with_field(file, "components", {"layers": {f"x{i}": {"plugin": "x", "version": "1"} for i in range(n)}}),
        "tensors": joined(header | {f"x{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(n)}, b""),
        "metadata": with_field(file, "metadata", {f"x{i}": [1] for i in range(n)}),
    }.items():
        try:
            load_bytes(bad, folder)
        except NNCoreError:
            print(name, "refused")


def saved(network: nn.Sequential, folder: Path) -> bytes:
    network.save(folder / "saved.nncore")
    return (folder / "saved.nncore").read_bytes()


# ---- damage -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", registry.names("formats"))
def test_a_flipped_bit_anywhere_is_noticed(format_name: str, whole: bytes) -> None:
    one = registry.resolve("formats", format_name)
    file = one.encode(*registry.resolve("formats", DEFAULT_FORMAT).decode(whole))
    damaged = bytearray(file)
    for place in range(len(file)):
        for bit in range(8):
            damaged[place] ^= 1 << bit
            with pytest.raises(FileFormatError):
                one.decode(bytes(damaged))
            damaged[place] ^= 1 << bit
    one.decode(bytes(damaged))


def test_a_flipped_bit_of_a_large_file_is_noticed(tmp_path: Path) -> None:
    path, rng = tmp_path / "net.nncore", np.random.default_rng(0)
    nn.Sequential(nn.Dense(700)).build(700, rng=0).save(path)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for place in rng.integers(0, size, 60):
            file.seek(place)
            byte = file.read(1)[0]
            for value in (byte ^ 1 << rng.integers(8), byte):
                file.seek(place)
                file.write(bytes([value]))
                file.flush()
                if value != byte:
                    with pytest.raises(FileFormatError):
                        nn.load(path)
    nn.load(path)


def test_a_file_cut_short_at_any_length_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    path.write_bytes(whole)
    for length in range(len(whole) - 1, -1, -1):
        os.truncate(path, length)
        with pytest.raises(FileFormatError, match=r"net\.nncore"):
            nn.load(path)


# ---- the same bytes ---------------------------------------------------------------------------------------------------------


def write_all(path: Path) -> None:
    """Runs in a separate process: write a file of every network."""
    nn.save_many([network for _, network in networks()], path)


def test_the_same_networks_make_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from network.test_hostile_files import write_all; write_all(Path(sys.argv[1]))"
    found = []
    for seed, n_threads in (("0", "1"), ("1", "3")):
        path = tmp_path / f"{seed}.nncore"
        settings = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": seed, "NNCORE_NUM_THREADS": n_threads}
        subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ | settings, check=True)
        found.append(path.read_bytes())
    assert found[0] == found[1]
    nn.save_many(nn.load_many(path), path)
    assert path.read_bytes() == found[0]

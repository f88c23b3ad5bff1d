"""The built-in format writes equal bytes for equal content, rejects damaged files, and is readable by the package safetensors."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from network.files import joined, load_bytes, network_in, parts, sealed, tampered, trained, trained_size

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError, NNCoreError, ParameterError
from nncore.formats.safetensors import ALIGNMENT, DTYPES, Safetensors
from nncore.plugin import Layer
from nncore.training import Training


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a valid file."""
    path = tmp_path_factory.mktemp("whole") / "net.nncore"
    trained().save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a file with content in every field: saved in the middle of a fit's second epoch."""
    path = tmp_path_factory.mktemp("rich") / "net.nncore"

    def save(training: Training) -> None:
        if training.network.n_steps == 5:
            training.network.save(path)

    X = np.random.default_rng(0).normal(size=(60, 3))
    net = nn.Sequential(nn.Residual([nn.Dense(3, activation="relu"), nn.BatchNorm()]), nn.Dropout(0.25), nn.Dense(2))
    net.metadata = {"classes": ["no", "yes"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)  # returns to Python after each step
        net.fit(
            X, X[:, 0] > 0, loss="softmax_cross_entropy", optimizer="adam", schedule=nn.Plateau("loss"), epochs=2, batch_size=20, rng=3,
            groups={"*.bias": {"lr_factor": 0.5}, "dense_1.*": {"frozen": True}}, progress=False,
            callbacks=[nn.EMA(0.9), nn.EarlyStopping("loss"), nn.LambdaCallback(on_progress=save)],
        )  # fmt: skip
    return path.read_bytes()


def test_the_rich_file_has_something_in_every_field(rich: bytes) -> None:
    header, _ = parts(rich)
    assert {name for name, value in network_in(header).items() if value in (None, {}, [])} == {"encoding"}
    kinds = {"__metadata__", "parameters", "buffers", "optimizer", "trajectory", "average_rest", "callbacks"}
    assert {name.split("/")[0] for name in header} == kinds


# ---- the same bytes ---------------------------------------------------------------------------------------------------------

SAVE = """
import hashlib, sys
import numpy as np, nncore as nn
X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X.sum(axis=1) > 0).astype(int)
net = nn.Sequential(nn.Residual([nn.Dense(3, activation="relu"), nn.BatchNorm()]), nn.Dropout(0.25), nn.Dense(2))
net.fit(X, Y, loss="softmax_cross_entropy", optimizer="adam", schedule="plateau", validation=(X, Y), epochs=2, batch_size=16, rng=3,
        groups={"*.bias": {"lr_factor": 0.5}, "dense_1.*": {"frozen": True}}, callbacks=[nn.EMA(0.9)], progress=False)
net.metadata = {"b": 1, "a": [2.5, None], "ö": {"z": 0, "y": 1}}
for path in sys.argv[1:]:
    net.save(path)
    nn.save_many({"one": net, "other": net}, path + ".many")
"""


def test_twenty_saves_in_different_processes_are_one_file(tmp_path: Path) -> None:
    files = set()
    for seed in range(4):
        paths = [str(tmp_path / f"{seed}-{number}.nncore") for number in range(5)]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", SAVE, *paths], env=environment, check=True)
        files |= {(Path(path).read_bytes(), Path(f"{path}.many").read_bytes()) for path in paths}
    assert len(files) == 1


def test_a_loaded_network_makes_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    load_bytes(whole, tmp_path).save(tmp_path / "again.nncore")
    assert (tmp_path / "again.nncore").read_bytes() == whole


def test_the_order_of_the_tensors_handed_over_does_not_matter() -> None:
    arrays = {name: np.arange(6, dtype=code).reshape(2, 3) for name, code in DTYPES.items() if name != "BOOL"}
    there, back = (Safetensors().encode({}, dict(items)) for items in (arrays.items(), reversed(arrays.items())))
    assert there == back


# ---- what other programs read -----------------------------------------------------------------------------------------------


def test_the_package_safetensors_reads_it(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors")
    rng = np.random.default_rng(1)
    arrays: dict[str, np.ndarray] = {f"{name} π": rng.integers(0, 2, (3, 2)).astype(code) for name, code in DTYPES.items()}
    arrays |= {"none": np.zeros((2, 0), np.float32), "number": np.array(3.5)}
    document = {"text": 'quoted "ö" \\ \n', "numbers": [0.1, 2**64 - 1, None]}
    (tmp_path / "file").write_bytes(Safetensors().encode(document, arrays))
    with library.safe_open(tmp_path / "file", framework="numpy") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        assert json.loads(file.metadata()["description"]) == document
    assert found.keys() == arrays.keys()
    assert all((found[name].dtype, found[name].shape) == (array.dtype, array.shape) for name, array in arrays.items())
    assert all(found[name].tobytes() == array.tobytes() for name, array in arrays.items())


def test_numbers_begin_at_a_multiple_of_a_cache_line(whole: bytes) -> None:
    assert (8 + int.from_bytes(whole[:8], "little")) % ALIGNMENT == 0


@pytest.mark.parametrize("dtype", ["complex64", "U3", "O"])
def test_numbers_that_it_does_not_hold(dtype: str) -> None:
    with pytest.raises(ParameterError, match=r"the tensor 'a' has dtype .*, which this format cannot store"):
        Safetensors().encode({}, {"a": np.zeros(2, dtype)})


# ---- damage -----------------------------------------------------------------------------------------------------------------


def regions(file: bytes) -> dict[str, range]:
    """All parts of a file."""
    begin = 8 + int.from_bytes(file[:8], "little")
    checksum = file.index(b'"checksum":"') + len(b'"checksum":"')
    end = len(file[:begin].rstrip(b" "))
    table = file.rindex(b'}"},', 0, end)
    return {
        "length": range(8), "begin": range(8, checksum), "checksum": range(checksum, checksum + 64),
        "description": range(checksum + 64, table), "table": range(table, end), "padding": range(end, begin),
        "tensors": range(begin, len(file)),
    }  # fmt: skip


def test_the_regions_are_the_whole_file(whole: bytes) -> None:
    assert [position for region in regions(whole).values() for position in region] == list(range(len(whole)))


@pytest.mark.parametrize("region", ["length", "begin", "checksum", "description", "table", "padding", "tensors"])
def test_a_flipped_bit_is_noticed_wherever_it_is(whole: bytes, region: str, tmp_path: Path) -> None:
    where = regions(whole)[region]
    chosen = random.Random(region).sample([8 * position + bit for position in where for bit in range(8)], min(200, 8 * len(where)))
    for place in chosen:
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(FileFormatError):
            Safetensors().decode(bytes(damaged))
    with pytest.raises(FileFormatError, match=r"damaged\.nncore cannot be loaded"):
        load_bytes(bytes(damaged), tmp_path)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_other_bytes_anywhere_are_noticed(whole: bytes, data: st.DataObject) -> None:
    changes = data.draw(st.dictionaries(st.integers(0, len(whole) - 1), st.integers(1, 255), min_size=1, max_size=8))
    damaged = bytearray(whole)
    for position, mask in changes.items():
        damaged[position] ^= mask
    with pytest.raises(FileFormatError):
        Safetensors().decode(bytes(damaged))


def test_every_shorter_file_is_refused(whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(FileFormatError):
            Safetensors().decode(whole[:length])
    with pytest.raises(FileFormatError, match="damaged or cut short"):
        Safetensors().decode(whole[:-1])


# ---- hostile files with a correct checksum ----------------------------------------------------------------------------------

#: Bytes of memory that reading may take for each byte of a file, and in addition: objects of JSON are some thirty times their text.
FOR_A_BYTE, BESIDES = 40, 24 * 2**20


def read_within_bounds(file: bytes, folder: Path) -> nn.Sequential | None:
    """The network, or None if the file is rejected with nncore's error; both must take little memory."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a plugin that is not installed
            return load_bytes(file, folder)
    except NNCoreError:
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < FOR_A_BYTE * len(file) + BESIDES, f"{peak:,} bytes of memory for a file of {len(file):,}"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_changed_under_a_checksum_that_fits(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    changes = data.draw(st.dictionaries(st.integers(0, len(whole) - 1), st.integers(1, 255), min_size=1, max_size=4))
    damaged = bytearray(whole)
    for position, mask in changes.items():
        damaged[position] ^= mask
    network = read_within_bounds(sealed(bytes(damaged)), tmp_path)
    assert network is None or network.n_parameters == trained_size()


def test_a_large_file_is_read_and_written_in_a_small_multiple_of_its_size(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(1000)).build(2000, rng=0)  # 8 MB, and as much for gradients
    path = tmp_path / "net.nncore"
    for do in (lambda: net.save(path), lambda: nn.load(path)):
        tracemalloc.start()
        do()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3.5 * path.stat().st_size


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**9, 10**15, 2**63, -1, 10**400, "dense"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("name"), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Places in a value of JSON: paths of keys and indices."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_anywhere(rich: bytes, tmp_path: Path, data: st.DataObject) -> None:
    header, numbers = parts(rich)
    *path, key = data.draw(st.sampled_from([place for place in places(header) if place]))
    holder: Any = header
    for step in path:
        holder = holder[step]
    holder[key] = data.draw(JSON)
    text = json.dumps({**header, "__metadata__": with_text(header.get("__metadata__"))}, separators=(",", ":")).encode()
    network = read_within_bounds(sealed(len(text).to_bytes(8, "little") + text + numbers), tmp_path)
    if network is not None:  # a network that was read can be used and saved again
        with contextlib.suppress(NNCoreError):
            network.predict(np.zeros((2, 3)))
            network.save(tmp_path / "again.nncore")


def with_text(metadata: Any) -> Any:
    """The metadata with their description as a text, if they have one."""
    return (
        {**metadata, "description": json.dumps(metadata["description"])}
        if isinstance(metadata, dict) and "description" in metadata
        else metadata
    )


@pytest.mark.parametrize("shape", [[10**8], [2**40], [10**5, 10**5], [10**9, 10**9]], ids=str)
@pytest.mark.parametrize("layer", components.layers(), ids=repr)
def test_no_layer_takes_memory_for_sizes_that_the_file_does_not_hold(whole: bytes, tmp_path: Path, layer: Layer, shape: list[int]) -> None:
    described = registry.config_of("layers", layer)
    file = tampered(whole, lambda header: network_in(header).update(layers=[described], input_shape=shape, n_steps=0, optimizer=None))
    header, _ = parts(file)
    header = {"__metadata__": header["__metadata__"]}
    read_within_bounds(joined(header, b""), tmp_path)

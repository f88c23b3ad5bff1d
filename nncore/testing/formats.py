"""Conformance checks of file formats."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nncore.contract import Format
from nncore.errors import FileFormatError, MissingExtraError
from nncore.layers.batch_norm import BatchNorm
from nncore.layers.dense import Dense
from nncore.network import Sequential, load
from nncore.testing import networks
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_same_bits

#: Metadata that JSON can hold, which a format must not change.
DOCUMENT: dict[str, Any] = {
    "layers": [{"name": "dense", "n_outputs": 3}, {"name": "größe/π", "rate": 0.1}],
    "numbers": [0, -1, 2**53 + 1, 2**64 - 1, 0.1, 1e-300, 1.7976931348623157e308],
    "nothing": None, "yes": True, "empty": [{}, [], ""], "text": 'a "quoted" line\nand another\u2028',
}  # fmt: skip


class FormatConformance(Conformance):
    """Conformance checks of a file format.

    >>> class TestSafetensors(FormatConformance):
    ...     name = "safetensors"
    """

    kind = "formats"

    def test_suffixes(self) -> None:
        suffixes = self.component_class().suffixes
        expect(len(suffixes) > 0, "`suffixes` is empty: no file name would ever mean this format")

    def test_round_trip(self) -> None:
        self.each(check_round_trip)

    def test_damage_is_refused(self) -> None:
        self.each(check_damage)

    def test_no_code_is_run(self) -> None:
        self.each(check_pickle)

    def test_a_network(self) -> None:
        self.each(check_network)


def tensors() -> dict[str, np.ndarray]:
    """Arrays of both dtypes and many shapes, with special numbers such as NaN and infinity."""
    rng = np.random.default_rng(3)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.0])
    return {
        "parameters/dense_1.weight": rng.normal(size=(3, 5)).astype(np.float32), "parameters/dense_1.bias": np.zeros(0, np.float32),
        "buffers/odd.a_b": special, "optimizer/0": special.astype(np.float32), "trajectory": rng.normal(size=(2, 3, 4)),
    }  # fmt: skip


def encoded(one: Format, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    data = one.encode(DOCUMENT, tensors() if arrays is None else arrays)
    expect(isinstance(data, bytes), f"encode returns {type(data).__name__}, bytes are expected")
    return data


def read(one: Format, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Read a file with these bytes."""
    return one.decode(data)


def check_round_trip(one: Format) -> None:
    """Check that description and arrays are restored to the bit, and that the original arrays do not change."""
    arrays = tensors()
    for array in arrays.values():
        array.flags.writeable = False
    for given in (arrays, {}):
        document, back = read(one, encoded(one, given))
        expect(document == DOCUMENT, f"the description comes back as {document!r:.500}")
        expect(set(back) == set(given), f"the arrays come back as {sorted(back)}, expected {sorted(given)}")
        for name, array in given.items():
            expect(back[name].dtype == array.dtype, f"{name} comes back as {back[name].dtype}, expected {array.dtype}")
            expect_same_bits(back[name], array, name)
            expect(back[name].tobytes() == array.tobytes(), f"{name} comes back with other bits: a sign of zero, or of NaN")


def check_damage(one: Format) -> None:
    """Check that a truncated or different file raises FileFormatError."""
    data = encoded(one)
    cut = [data[: len(data) * part // 8] for part in range(1, 8)] + [data[:-1]]
    for damaged in [*cut, b"x", b"not a network\n" * 99, bytes(len(data))]:
        _expect_refused(one, damaged, f"a file of {len(damaged)} bytes, damaged or of something else,")


class Payload:
    """A malicious pickle: records that it was opened."""

    opened: ClassVar[list[str]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, ("opened",)


def _open(word: str) -> None:
    """A function, which is pickled by name; a method of the list would be pickled with a copy of the list."""
    Payload.opened.append(word)


def check_pickle(one: Format) -> None:
    """Check that a pickle in place of the file is refused without opening it."""
    Payload.opened.clear()
    _expect_refused(one, pickle.dumps(Payload()), "a pickle")
    expect(not Payload.opened, "a pickle was opened: reading must not run code from the file")


def check_network(one: Format) -> None:
    """Check that a trained network, saved under each suffix of the format, is restored and continues with the same bits."""
    X, y = networks.inputs(), networks.classes()
    net = Sequential(Dense(4, activation="tanh"), BatchNorm(), Dense(3))
    net.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=2, batch_size=16, rng=5, progress=False)
    net.metadata = {"π": [1, None]}
    for suffix in type(one).suffixes:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / f"network{suffix}"
            net.save(path)
            again = load(path)
        expect(again.metadata == net.metadata, f"network{suffix}: metadata come back as {again.metadata!r}")
        expect_same_bits(again.parameters, net.parameters, f"network{suffix}: parameters")
        for name, kept in net.optimizer_state.items():
            expect_same_bits(again.optimizer_state[name], kept, f"network{suffix}: state of the optimizer, {name}")


def _expect_refused(one: Format, data: bytes, what: str) -> None:
    try:
        read(one, data)
    except MissingExtraError:
        raise
    except FileFormatError:
        return
    except Exception as error:
        raise AssertionError(f"{what} must raise FileFormatError; it raises {type(error).__name__}: {error}") from error
    raise AssertionError(f"{what} must raise FileFormatError; it is read")

"""Any content that users put into a network survives saving and loading, or is refused with an error of nncore and no file."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import X, Y, trained

import nncore as nn
from nncore.errors import NNCoreError
from nncore.network.document import ATTRIBUTES, FIELDS


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(enum.IntEnum):
    RED = 1


def holding_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


POOL: dict[str, Any] = {
    "nan": math.nan, "infinity": -math.inf, "minus zero": -0.0, "tiny": 5e-324, "2**64": 2**64, "-1": -1, "10**400": 10**400,
    "10**5000": 10**5000, "true": True, "none": None, "empty": "", "nul": "a\x00b", "surrogate": "\ud800", "escape": "\x1b[31m",
    "separators": "\u2028\u2029/\\\"'", "long": "é" * 5000, "bytes": b"a", "tuple": (1, 2), "set": {1}, "number as key": {1: 2},
    "deep key": {"a": [{"b": {None: 1}}]}, "empty key": {"": {"": []}}, "float32": np.float32(0.1), "float64": np.float64(0.1),
    "int64": np.int64(3), "bool_": np.bool_(True), "str_": np.str_("a"), "array": np.ones(2), "decimal": decimal.Decimal("0.1"),
    "fraction": fractions.Fraction(1, 3), "complex": 1j, "date": datetime.date(2026, 1, 1), "path": Path("a"), "class": Text,
    "function": len, "object": object(), "str subclass": Text("a"), "int subclass": Number(3), "enum": Colour.RED,
    "ordered": collections.OrderedDict(a=1), "default": collections.defaultdict(list, a=[1]), "counter": collections.Counter("aab"),
    "itself": holding_itself(), "deep 90": deep(90), "deep 5000": deep(5000), "dict": {"name": "relu"}, "kind": {"kind": "layers",
    "name": "x/y"},
}  # fmt: skip


def in_metadata(network: nn.Sequential, value: Any) -> None:
    network.metadata = {"deep": [{"value": value}]}


def as_metadata(network: nn.Sequential, value: Any) -> None:
    network.metadata = value


def as_key_of_metadata(network: nn.Sequential, value: Any) -> None:
    network.metadata = {value: 1}


def as_attribute(name: str) -> Callable[[nn.Sequential, Any], None]:
    return lambda network, value: setattr(network, name, value)


def in_memory(network: nn.Sequential, value: Any) -> None:
    """State of a callback in an interrupted fit."""

    class Odd(nn.LambdaCallback):
        def state(self) -> dict[str, Any]:
            return {"value": value}

    network.fit(X, Y, epochs=2, callbacks=[Odd(on_epoch_end=lambda training: training.stop("", cut_short=True))], progress=False)


def in_name_of_memory(network: nn.Sequential, value: Any) -> None:
    class Odd(nn.LambdaCallback):
        def state(self) -> dict[str, Any]:
            return {value: 1.0, "array": np.ones(3)}

    network.fit(X, Y, epochs=2, callbacks=[Odd(on_epoch_end=lambda training: training.stop("", cut_short=True))], progress=False)


#: Everything in a network that users set: attributes that files store unchanged, hyperparameters, names, callback state.
PLACES: dict[str, Callable[[nn.Sequential, Any], None]] = {
    **{name: as_attribute(name) for name in ATTRIBUTES},
    "metadata's value": in_metadata,
    "metadata's key": as_key_of_metadata,
    "groups' pattern": lambda network, value: setattr(network, "groups", {value: {"lr_factor": 0.5}}),
    "groups' option": lambda network, value: setattr(network, "groups", {"*.bias": {"lr_factor": value}}),
    "groups' optimizer": lambda network, value: setattr(network, "groups", {"*.bias": {"optimizer": value}}),
    "hyperparameter": lambda network, value: setattr(network.optimizer, "lr", value),
    "layer's number": lambda network, value: setattr(network.layers[2], "rate", value),
    "loss": lambda network, value: setattr(network, "loss", value),
    "optimizer": lambda network, value: setattr(network, "optimizer", value),
    "memory": in_memory,
    "memory's name": in_name_of_memory,
}

SAVE: dict[str, Callable[[nn.Sequential, Path], object]] = {
    "save": lambda network, path: network.save(path),
    "save_many": lambda network, path: nn.save_many([network], path),
    "checkpoint": lambda network, path: network.fit(X, Y, epochs=0 + 1, callbacks=[nn.Checkpoint(path)], progress=False),
}


def test_every_field_of_a_file_that_is_an_attribute_is_tried() -> None:
    assert {name for name, field in FIELDS.items() if field.is_attribute} <= PLACES.keys()


@pytest.mark.parametrize("all_values", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some values", "all values"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_written_is_read_again_or_the_older_file_stays(
    place: str, all_values: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    path, older = tmp_path / "net.nncore", trained()
    older.save(path)
    before, refused, written = path.read_bytes(), 0, 0
    faults = []
    for name, value in POOL.items():
        for number, (way, save) in enumerate(SAVE.items()):
            if not all_values and hash_of(place, name) % (4 * len(SAVE)) != number:  # a part of all combinations
                continue
            network = trained()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    PLACES[place](network, value)
                    save(network, path)
            except NNCoreError:
                refused += 1
                faults += [f"{name}, {way}: refused, and the older file was changed"] if path.read_bytes() != before else []
            except TypeError as error:
                if "unhashable" not in str(error):  # which is no key of the test's own dict
                    faults.append(f"{name}, {way}: {error!s:.150}")
            except Exception as error:
                faults.append(f"{name}, {way}: {type(error).__name__}: {error!s:.150}")
            else:
                written += 1
                loaded = nn.load_many(path)[0]
                for attribute in ATTRIBUTES:
                    if getattr(loaded, attribute) != getattr(network, attribute):
                        faults.append(f"{name}, {way}: {attribute} came back as {getattr(loaded, attribute)!r:.80}")
                if loaded.describe() != network.describe():
                    faults.append(f"{name}, {way}: it came back with other components")
            path.write_bytes(before)
            assert os.listdir(tmp_path) == ["net.nncore"]
    assert faults == []
    assert refused > 0


def hash_of(*texts: str) -> int:
    return sum(map(ord, "".join(texts)))


def test_names_of_many_networks(tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    for name, value in POOL.items():
        try:
            networks = {"first": trained(), value: trained()}
        except TypeError:  # no key of a dict
            continue
        try:
            nn.save_many(networks, path)
        except NNCoreError:
            assert os.listdir(tmp_path) == [], name
        else:
            assert list(nn.load_many(path)) == list(networks), name
            path.unlink()

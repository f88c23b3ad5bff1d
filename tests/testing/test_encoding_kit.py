"""The kit for encodings finds violations of the contract: each class here has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.encodings.one_hot import OneHot
from nncore.encodings.ordinal import Ordinal
from nncore.encodings.standard import Standard
from nncore.plugin import Encoding, Moments
from nncore.testing.report import conformance_class, outcome, verify


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


class Ranks(Encoding):
    """Uses random numbers, and declares it."""

    learns: ClassVar[dict[str, str]] = {"shift": "float64"}
    draws = True

    def learn(self, statistics, n_columns, *, n_levels=None, seeds=None):
        return {"shift": np.array([np.random.default_rng(seed).normal() for seed in seeds.tolist()])}

    def encode(self, columns, learned, out):
        np.add(columns, learned["shift"], out=out)


class Wordy(Standard):
    takes = "words"


class Blind(OneHot):
    learns: ClassVar[dict[str, str]] = {}


class Single(Standard):
    def learn(self, statistics, n_columns, **given):
        return {name: array.astype(np.float32) for name, array in super().learn(statistics, n_columns, **given).items()}


class Dicing(Standard):
    def learn(self, statistics, n_columns, **given):
        learned = super().learn(statistics, n_columns, **given)
        return learned | {"mean": learned["mean"] + np.random.default_rng().random()}


class Writing(Standard):
    def statistics(self, n_columns):
        return (WritingMoments(n_columns),)


class WritingMoments(Moments):
    def add(self, columns, sample_weight):
        columns -= np.nanmean(columns, axis=0)
        super().add(columns, sample_weight)


class Adding(Standard):
    def encode(self, columns, learned, out):
        out += (columns - learned["mean"]) / learned["std"]


class Dividing(Standard):
    def encode(self, columns, learned, out):
        np.divide(columns, columns - columns, out=out)


class Together(Standard):
    def learn(self, statistics, n_columns, **given):
        learned = super().learn(statistics, n_columns, **given)
        return learned | {"std": np.full(n_columns, learned["std"].max(initial=1.0))}


class Batchwise(Standard):
    def encode(self, columns, learned, out):
        out[...] = columns - np.nanmean(columns, axis=0) if len(columns) else 0


class Absolute(Standard):
    def learn(self, statistics, n_columns, **given):
        learned = super().learn(statistics, n_columns, **given)
        return learned | {"mean": learned["mean"] + statistics[0].weight}


class NoWayBack(Standard):
    invertible = False


class WrongWayBack(Standard):
    def inverse(self, encoded, learned):
        return encoded * learned["std"]


class Nameless(OneHot):
    def names(self, columns, learned, levels=None):
        return list(columns)


class Doubled(Ordinal):
    def names(self, columns, learned, levels=None):
        return ["x"] * len(columns)


class Trusting(Standard):
    def check(self, learned, n_columns):
        pass


class Different(Standard):
    def formula(self, g, x, learned):
        return x - learned["mean"]


class Wide(Standard):
    def widths(self, learned, n_columns):
        return [1] * n_columns


@pytest.mark.parametrize("cls", [Standard, Ranks, registering.MyEncoding])
def test_a_sound_encoding_passes_everything(cls: Any) -> None:
    nn.register("encodings", type("Sound", (cls,), {}), "sound")
    assert [result for result in verify("encodings", "sound") if result.status == "failed"] == []


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Wordy, "declarations", "takes is 'words'"),
        (Blind, "declarations", "it must learn 'n_levels'"),
        (Single, "learn", "its own check refuses it: the learned state of Single is damaged: it has mean of float32(6,), not of float64"),
        (Dicing, "learn", "a second time, mean"),
        (Writing, "learn", "it must take any columns, and not write to them"),
        (Wide, "learn", "widths is [1, 1, 1, 1, 1, 1], int64 of shape (6,), none negative, is expected"),
        (Adding, "encode", "encode into an array that held something else, in Fortran order"),
        (Dividing, "encode", "encode gives"),
        (Together, "each column is encoded for itself", "std of each column, concatenated"),
        (Batchwise, "each row is encoded for itself", "some rows encoded without the others"),
        (Absolute, "only ratios of weights count", "encoded after learning with all weights twice"),
        (NoWayBack, "inverse", "invertible is False, but inverse is written"),
        (WrongWayBack, "inverse", "inverse of the encoded columns"),
        (Nameless, "names", "names gives 5 names for 17 encoded columns"),
        (Doubled, "names", "names gives one name twice"),
        (Trusting, "what was not learned is refused", "check must raise FileFormatError for what has an unknown array"),
        (Different, "formula agrees with encode", "the formula, beside encode"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_fault_is_caught(cls: Any, check: str, message: str) -> None:
    nn.register("encodings", cls, "faulty")
    found = outcome(conformance_class("encodings", "faulty")(), "test_" + check.replace(" ", "_"))
    assert found.status == "failed"
    assert message in found.message

"""The kit for samplers finds violations of the contract: each class here has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.errors import DataError
from nncore.plugin import Sampler, permutation
from nncore.testing.report import conformance_class, outcome, verify


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


class Half(Sampler):
    """Half of the samples."""

    def length(self, samples):
        return max(1, samples.n_samples // 2)

    def order(self, samples, seed, epoch):
        return permutation(samples.n_samples, seed, epoch)[: self.length(samples)]


class Picky(Half):
    """Accepts only labels."""

    def length(self, samples):
        if samples.labels is None:
            raise DataError("labels, please")
        return super().length(samples)


class Refusing(Half):
    def length(self, samples):
        raise DataError("nothing fits")


class Fractional(Half):
    def length(self, samples):
        return samples.n_samples / 2


class Longer(Half):
    def order(self, samples, seed, epoch):
        return permutation(samples.n_samples, seed, epoch)


class Narrow(Half):
    def order(self, samples, seed, epoch):
        return super().order(samples, seed, epoch).astype(np.int32)


class Beyond(Half):
    def order(self, samples, seed, epoch):
        return super().order(samples, seed, epoch) + 1


class Listing(Half):
    def order(self, samples, seed, epoch):
        return list(super().order(samples, seed, epoch))


class Absent(Half):
    def order(self, samples, seed, epoch):
        return None


class Counting(Half):
    """Depends on the number of its calls."""

    def __init__(self):
        self._asked = 0

    def order(self, samples, seed, epoch):
        self._asked += 1
        return super().order(samples, seed, self._asked)


class Moody(Half):
    def __init__(self):
        self._asked = 0

    def length(self, samples):
        return samples.n_samples

    def order(self, samples, seed, epoch):
        self._asked += 1
        return None if self._asked % 2 else np.arange(samples.n_samples)


class Sorting(Half):
    def order(self, samples, seed, epoch):
        if samples.labels is not None:
            samples.labels.sort()
        return super().order(samples, seed, epoch)


@pytest.mark.parametrize("cls", [Half, Picky, registering.MySampler])
def test_a_sound_sampler_passes_everything(cls: Any) -> None:
    nn.register("samplers", cls, "sound")
    assert [result for result in verify("samplers", "sound") if result.status == "failed"] == []


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Refusing, "order", "`length` refuses all samples that are tried: 1 labels: nothing fits"),
        (Fractional, "order", "length is 0.5, a whole number of at least 1 is expected"),
        (Longer, "order", "order has shape (2,), but length is 1"),
        (Narrow, "order", "order has dtype int32, int64 is expected"),
        (Beyond, "order", "order has the number [1], rows are 0 to 0"),
        (Listing, "order", "order is list, an ndarray is expected"),
        (Absent, "order", "order is None, which stands for all samples, but length is 1"),
        (Counting, "order depends on seed and epoch alone", "asked for after other epochs"),
        (Counting, "a fit goes on with the order it would have met", "parameters after four fits of one epoch"),
        (Moody, "order depends on seed and epoch alone", "is None only sometimes"),
        (Sorting, "samples are only read", "it must not write to what it is given"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_fault_is_caught(cls: Any, check: str, message: str) -> None:
    nn.register("samplers", cls, "faulty")
    found = outcome(conformance_class("samplers", "faulty")(), "test_" + check.replace(" ", "_"))
    assert found.status == "failed"
    assert message in found.message

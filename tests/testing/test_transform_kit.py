"""The kit for transforms finds violations of the contract: each class here has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.plugin import Kernel, Transform, random_words
from nncore.testing.report import conformance_class, outcome, verify


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


class Jitter(Transform):
    """Uniform noise."""

    ranges = {"width": "[0, inf)"}

    def __init__(self, width=0.1):
        self.width = width

    def apply(self, call):
        words = random_words(call.seed, call.step, call.layer, call.x.size)
        call.x += self.width * (words / 2.0**32 - 0.5).reshape(call.x.shape)


class Mean(Transform):
    """The mean of each sample and the next one."""

    mixes_targets = True

    def apply(self, call):
        other = np.roll(call.source, -1, axis=0)
        call.x[...] = (call.source + np.where(np.isnan(other), call.source, other)) / 2
        call.target[...] = (call.source_target + np.roll(call.source_target, -1, axis=0)) / 2
        call.weight[...] = (call.source_weight + np.roll(call.source_weight, -1)) / 2


class Filling(Jitter):
    def apply(self, call):
        call.x[np.isnan(call.x)] = 0


class Losing(Jitter):
    def apply(self, call):
        call.x[0] = np.nan


class Overflowing(Jitter):
    def apply(self, call):
        call.x *= np.inf


class Heavy(Mean):
    def apply(self, call):
        super().apply(call)
        call.weight *= 2


class Scribbling(Jitter):
    def apply(self, call):
        call.source[0] = 0


class Restless(Jitter):
    def __init__(self, width=0.1):
        super().__init__(width)
        self._calls = 0

    def apply(self, call):
        self._calls += 1
        call.x *= self._calls


class Dicing(Jitter):
    """Depends on state from an earlier step."""

    def __init__(self, width=0.1):
        super().__init__(width)
        self._largest = 0

    def apply(self, call):
        self._largest = max(self._largest, call.step)
        call.x += self._largest


class Unlike(nn.FeatureDropout):
    """Its kernel reads its numbers in another order than `apply`."""

    kernel = Kernel("nncore._core.native:transform_gaussian_noise")


@pytest.mark.parametrize("cls", [Jitter, Mean, registering.MyTransform])
def test_a_sound_transform_passes_everything(cls: Any) -> None:
    nn.register("transforms", cls, "sound")
    assert [result for result in verify("transforms", "sound") if result.status == "failed"] == []


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Filling, "apply", "a missing value (NaN) is no longer missing"),
        (Losing, "apply", "x is not finite where the source is"),
        (Overflowing, "apply", "x is not finite where the source is"),
        (Heavy, "apply", "weight sums to"),
        (Scribbling, "apply", "read-only"),
        (Restless, "apply", "x of a second call"),
        (Dicing, "depends on the key alone", "x in step 2, after other steps"),
        (Unlike, "kernel agrees with numpy", "the kernel's x"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_fault_is_caught(cls: Any, check: str, message: str) -> None:
    nn.register("transforms", cls, "faulty")
    found = outcome(conformance_class("transforms", "faulty")(), "test_" + check.replace(" ", "_"))
    assert found.status == "failed"
    assert message in found.message

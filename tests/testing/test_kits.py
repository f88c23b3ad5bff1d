"""The kits for layers, metrics, callbacks and formats find violations of the contract: each class here has one."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.errors import FileFormatError, ShapeError
from nncore.plugin import Callback, Format, Metric
from nncore.registry import KINDS
from nncore.testing import Conformance
from nncore.testing.report import CONFORMANCE, Outcome, conformance_class, outcome, verify


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


def test_there_is_a_kit_for_every_kind() -> None:
    assert CONFORMANCE.keys() == set(KINDS)
    for kind, kit in CONFORMANCE.items():
        own = [name for name in dir(kit) if name.startswith("test_") and name not in dir(Conformance)]
        assert kit.kind == kind
        assert len(own) >= 4


# ---- correct components -----------------------------------------------------------------------------------------------------


class SoundMetric(Metric):
    """Mean absolute error."""

    higher_is_better = False

    def check_shapes(self, output, target):
        if output != target:
            raise ShapeError("numbers alone")

    def score(self, output, target, sample_weight=None):
        return float(np.average(np.abs(output.astype(float) - target).mean(axis=1), weights=sample_weight))


class SoundCallback(Callback):
    """Stops after the second epoch."""

    def on_epoch_end(self, training):
        if training.network.n_epochs == 2:  # the count includes earlier parts of a resumed fit
            training.stop("two are enough")


class SoundFormat(Format):
    """NumPy's archive, with the description as JSON beside it."""

    suffixes = (".sound",)

    def encode(self, document, tensors):
        buffer = io.BytesIO()
        np.savez(buffer, document=np.array(json.dumps(document)), **{name.replace("/", "|"): array for name, array in tensors.items()})
        return b"sound" + buffer.getvalue()

    def decode(self, data):
        try:
            if not data.startswith(b"sound"):
                raise ValueError("it does not begin as one")
            with np.load(io.BytesIO(data[5:]), allow_pickle=False) as archive:
                arrays = {name.replace("|", "/"): archive[name] for name in archive.files}
            return json.loads(str(arrays.pop("document"))), arrays
        except Exception as error:
            raise FileFormatError(f"it is not sound: {error}") from error


@pytest.mark.parametrize(("kind", "cls"), [("metrics", SoundMetric), ("callbacks", SoundCallback), ("formats", SoundFormat)])
def test_a_sound_component_passes_everything(kind: str, cls: Any) -> None:
    nn.register(kind, cls, "sound")
    found = list(verify(kind, "sound"))
    assert [result for result in found if result.status == "failed"] == []
    skipped = [result.check for result in found if result.status == "skipped"]
    assert skipped == ["manifest is light", "import leaves the processor alone"]  # the component has neither
    assert len(found) >= 10


# ---- faults -----------------------------------------------------------------------------------------------------------------


class Unweighted(SoundMetric):
    def score(self, output, target, sample_weight=None):
        return super().score(output, target)


class Backwards(SoundMetric):
    higher_is_better = True


class Restless(SoundMetric):
    calls = 0

    def score(self, output, target, sample_weight=None):
        type(self).calls += 1
        return super().score(output, target, sample_weight) + self.calls


class Writing(SoundMetric):
    def score(self, output, target, sample_weight=None):
        output -= target
        return float(np.average(np.abs(output).mean(axis=1), weights=sample_weight))


class Neighbours(SoundMetric):
    def score(self, output, target, sample_weight=None):
        return super().score(output, target, sample_weight) + float(np.abs(np.diff(output[:, 0])).sum())


class Infinite(SoundMetric):
    def score(self, output, target, sample_weight=None):
        return float("inf")


class Refusing(SoundMetric):
    def check_shapes(self, output, target):
        raise ShapeError("nothing fits")


class Forgetful(Callback):
    """Continues to count from the fit before."""

    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, training):
        self.epochs += 1
        if self.epochs > 3:
            training.stop("enough")


class Fragile(Callback):
    def on_fit_end(self, training):
        if len(training.history) < 3:
            raise RuntimeError("there are too few epochs")


class Ruining(Callback):
    def on_epoch_end(self, training):
        training.network.parameters[:] = np.nan


class Dicing(Callback):
    def on_epoch_end(self, training):
        training.network.parameters[0] += int.from_bytes(os.urandom(2), "little") + training.epoch


class Nowhere(SoundFormat):
    suffixes = ()


class Rounding(SoundFormat):
    suffixes = (".rounding",)

    def encode(self, document, tensors):
        return super().encode(document, {name: array.astype(np.float16).astype(array.dtype) for name, array in tensors.items()})


class Losing(SoundFormat):
    suffixes = (".losing",)

    def encode(self, document, tensors):
        return super().encode({key: value for key, value in document.items() if value is not None}, tensors)


class Careless(SoundFormat):
    suffixes = (".careless",)

    def decode(self, data):
        with np.load(io.BytesIO(data[5:])) as archive:
            arrays = {name.replace("|", "/"): archive[name] for name in archive.files}
        return json.loads(str(arrays.pop("document"))), arrays


class Trusting(SoundFormat):
    suffixes = (".trusting",)

    def encode(self, document, tensors):
        return pickle.dumps((document, tensors))

    def decode(self, data):
        try:
            document, tensors = pickle.loads(data)
        except Exception as error:
            raise FileFormatError(str(error)) from error
        return document, tensors


class Telling(nn.BatchNorm):
    """Declares that all inputs affect the first output, which depends only on the first input."""

    def plan(self, input_shape):
        return dataclasses.replace(super().plan(input_shape), spreads_nan=True)


FAULTS: list[tuple[str, Any, str, str]] = [
    ("layers", Telling, "inputs that are not finite show", "their inputs are not"),
    ("metrics", Unweighted, "weights", "weights of 0 to 3, against rows that are there as often"),
    ("metrics", Backwards, "perfect predictions score best", "higher_is_better is True"),
    ("metrics", Restless, "score", "score of the same arrays is"),
    ("metrics", Writing, "score", "accepts none of the outputs and targets tried|read-only"),
    ("metrics", Neighbours, "order of rows does not matter", "rows in another order"),
    ("metrics", Infinite, "score", "score is inf, a finite number is expected"),
    ("metrics", Refusing, "score", "return ones that it accepts from its method `example`"),
    ("callbacks", Forgetful, "a second fit", "begin anew in on_fit_begin"),
    ("callbacks", Fragile, "a fit that fails", "on_fit_end raises RuntimeError: there are too few epochs"),
    ("callbacks", Ruining, "fit", "parameters that are not finite|NonFiniteError"),
    ("callbacks", Dicing, "same bits every time", "parameters of a second run"),
    ("formats", Nowhere, "suffixes", "`suffixes` is empty"),
    ("formats", Rounding, "round trip", "parameters/dense_1.weight"),
    ("formats", Losing, "round trip", "the description comes back as"),
    ("formats", Careless, "damage is refused", "must raise FileFormatError; it raises"),
    ("formats", Trusting, "no code is run", "a pickle must raise FileFormatError|a pickle was opened"),
]


@pytest.mark.parametrize(("kind", "cls", "check", "message"), FAULTS, ids=[cls.__name__ for _, cls, _, _ in FAULTS])
def test_fault_is_caught(kind: str, cls: Any, check: str, message: str) -> None:
    nn.register(kind, cls, "faulty")
    found: Outcome = outcome(conformance_class(kind, "faulty")(), "test_" + check.replace(" ", "_"))
    assert found.status == "failed"
    assert any(part in found.message for part in message.split("|")), found.message


class Largest(SoundMetric):
    """The largest error, without regard to weights."""

    weighted: ClassVar[bool] = False

    def score(self, output, target, sample_weight=None):
        return float(np.abs(output.astype(float) - target).max())


def test_settings_on_the_class_are_obeyed() -> None:
    nn.register("metrics", Largest)
    assert [result for result in verify("metrics", "largest") if result.status == "failed"] == []

"""The module for plugin authors: every name exists and is documented, and base classes say what to implement."""

from __future__ import annotations

import dataclasses

import pytest

import nncore.plugin
from nncore.plugin import Activation, Buffer, Callback, Component, Initializer, Kernel, Layer, Loss, Metric, Optimizer, Plan

BASES = [Activation, Callback, Initializer, Layer, Loss, Metric, Optimizer]


@pytest.mark.parametrize(
    "call",
    [
        lambda: Activation().forward(None),
        lambda: Activation().backward(None, None, None),
        lambda: Loss().forward(None, None),
        lambda: Loss().backward(None, None),
        lambda: Initializer().sample(None, (), 1, 1),
        lambda: Optimizer().step(None, None, None, 1),
        lambda: Layer().plan(()),
        lambda: Layer().forward(None),
        lambda: Layer().backward(None),
        lambda: Metric().score(None, None),
    ],
)
def test_what_an_author_must_write_says_so(call):
    with pytest.raises(NotImplementedError, match=r"^[A-Z][a-z]+\.[a-z]+$"):
        call()


@pytest.mark.parametrize("record", [Component("a", "b:C"), Kernel("b:c"), Plan(()), Buffer("mean", ())])
def test_records_cannot_be_changed(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, "other")


def test_everything_exported_is_there_and_documented():
    for name in nncore.plugin.__all__:
        is_alias = name.endswith("Like") or name in ("Regularizers", "Constraints")  # the comment above it is shown in the reference
        assert is_alias or getattr(nncore.plugin, name).__doc__
    assert {base.__name__ for base in BASES} <= set(nncore.plugin.__all__)

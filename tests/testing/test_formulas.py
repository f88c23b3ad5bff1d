"""The conformance checks find a formula that differs from `forward`, and skip components without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.activations.sigmoid import Sigmoid
from nncore.activations.tanh import Tanh
from nncore.layers.dense import Dense
from nncore.testing.report import Outcome, conformance_class, outcome


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


def checked(kind: str, cls: type, **settings: object) -> Outcome:
    nn.register(kind, cls, "tried")
    return outcome(type("Tried", (conformance_class(kind, "tried"),), settings)(), "test_formula")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda self, g, z: g.sigmoid(z), "the formula's a"),
        (lambda self, g, z: (g.exp(2 * z) - 1) / (g.exp(2 * z) + 1), "the formula's a"),  # NaN at infinity
        (lambda self, g, z: g.where(z < 30, g.tanh(z), 1), "the formula's a: .*expected np.float32.nan."),
        (lambda self, g, z: g.sum(z), "its formula returned shape"),
        (lambda self, g, z: g.named("expm1", g.tanh(z), z), "names 'expm1' what is something else"),
        (lambda self, g, z: g.named("softmax", g.tanh(z), g.concat([z, z])), "names 'softmax' what has shape"),
        (lambda self, g, z: g.named("tangent", g.tanh(z), z), "there is no function 'tangent'; there are expm1"),
        (lambda self, g, z: g.tanh(z) if z > 0 else z, "choose with g.where"),
        (lambda self, g, z: np.tanh(z), "TypeError"),
    ],
)
def test_a_wrong_formula_of_an_activation_is_caught(write, message):
    found = checked("activations", type("Tried", (Tanh,), {"formula": write}))
    assert found.status == "failed"
    assert re.search(message, found.message)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda self, g, x, tensors: x @ tensors["weight"], "the formula's y"),
        (lambda self, g, x, tensors: x @ tensors["weights"], "reads 'weights', its plan has weight, bias"),
        (lambda self, g, x, tensors: x, "its formula returned shape"),
    ],
)
def test_a_wrong_formula_of_a_layer_is_caught(write, message):
    found = checked("layers", type("Tried", (Dense,), {"formula": write, "examples": ({"n_outputs": 5},)}))
    assert found.status == "failed"
    assert message in found.message


def test_a_component_without_one_is_skipped():
    changed = type("Tried", (Sigmoid,), {"forward": lambda self, z: z, "backward": lambda self, z, a, d_a: d_a})
    found = checked("activations", changed)
    assert found.status == "skipped"
    assert found.message == "it has no formula, so that networks with it cannot be exported"


def test_a_formula_of_its_own_goes_with_a_subclass():
    changed = {"forward": lambda self, z: z / 2, "backward": lambda self, z, a, d_a: d_a / 2, "formula": lambda self, g, z: z / 2}
    assert checked("activations", type("Tried", (Sigmoid,), changed)).status == "ok"


def test_functions_that_formulas_name_are_known() -> None:
    from nncore.plugin import FUNCTIONS
    from nncore.testing import formulas

    assert formulas._NAMED.keys() == FUNCTIONS.keys()

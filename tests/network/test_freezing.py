"""Freezing and unfreezing layers and tensors by parameter groups keeps their other options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from network.fitting import X, Y

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError

NAMES = ["encoder.weight", "encoder.bias", "dense_1.weight", "dense_1.bias", "head.weight", "head.bias"]


def network(groups: dict[str, Any] | None = None) -> nn.Sequential:
    layers = nn.Dense(8, "relu", name="encoder"), nn.Dense(8, "relu"), nn.Dense(2, name="head")
    net = nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    net.groups = groups or {}
    return net


def frozen(net: nn.Sequential) -> list[str]:
    """Tensors that two epochs do not change."""
    before = {name: view.copy() for name, view in net.named_parameters().items()}
    net.fit(X, Y, epochs=2, progress=False)
    return [name for name, view in net.named_parameters().items() if np.array_equal(view, before[name])]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["encoder"], NAMES[:2]),
        (["encoder", "dense_1"], NAMES[:4]),
        (["*.bias"], NAMES[1::2]),
        (["encoder.weight", "head"], [NAMES[0], *NAMES[4:]]),
        (["[!h]*"], NAMES[:4]),
    ],
)
def test_what_is_frozen_stays_and_goes_on_when_it_is_told_to(names: list[str], expected: list[str]) -> None:
    net = network()
    assert net.freeze(*names) is None
    assert frozen(net) == expected
    net.unfreeze(*names)
    assert dict(net.groups) == {}
    assert frozen(net) == []


def test_groups_say_what_was_done() -> None:
    net = network()
    net.freeze("encoder")
    assert dict(net.groups) == {"encoder.*": {"frozen": True}}
    net.freeze("encoder")
    assert dict(net.groups) == {"encoder.*": {"frozen": True}}
    net.freeze("*.bias")
    net.unfreeze("encoder")
    assert dict(net.groups) == {"*.bias": {"frozen": True}, "encoder.*": {"frozen": False}}
    assert frozen(net) == ["dense_1.bias", "head.bias"]
    net.freeze("*.bias")
    assert frozen(net) == NAMES[1::2]
    net.unfreeze()
    assert dict(net.groups) == {}


def test_what_else_groups_say_stays() -> None:
    groups = {"*.bias": {"lr_factor": 0.5}, "encoder.*": {"lr_factor": 0.1, "frozen": True}, "head.*": {"weight_decay": 0.1}}
    net = network(groups)
    net.unfreeze("encoder")
    assert dict(net.groups) == {**groups, "encoder.*": {"lr_factor": 0.1}}
    net.freeze("encoder", "head")
    assert dict(net.groups) == {**groups, "head.*": {"weight_decay": 0.1, "frozen": True}}
    net.unfreeze()
    assert dict(net.groups) == {**groups, "encoder.*": {"lr_factor": 0.1}}


def test_an_order_that_would_say_something_else_is_refused() -> None:
    groups = {"*.bias": {"lr_factor": 0.5}, "e*.bias": {"lr_factor": 0.1, "frozen": False}, "encoder.*": {"frozen": False}}
    net = network(groups)
    net.freeze("e*.bias")  # moves to the end, where its other options apply as before
    assert frozen(net) == ["encoder.bias"]
    net = network({"*.bias": {"lr_factor": 0.5}, "e*": {"lr_factor": 0.1, "frozen": False}})
    before = dict(net.groups)
    with pytest.raises(ParameterError, match=r"set net\.groups"):
        net.freeze("*.bias")
    assert dict(net.groups) == before


def test_optimizers_remember_what_they_knew_of_the_others() -> None:
    net = network()
    net.fit(X, Y, epochs=1, progress=False)
    before = {name: view.copy() for name, view in net.optimizer_state.items()}
    steps = net.n_steps
    net.freeze("encoder")
    assert net.n_steps == steps
    assert {name.split(".")[0] for name in net.optimizer_state} == {"dense_1", "head"}
    for name, view in net.optimizer_state.items():
        np.testing.assert_array_equal(view, before[name])
    net.unfreeze()
    assert not net.optimizer_state["encoder.weight/slot_0"].any()


def test_a_callback_unfreezes_layer_after_layer() -> None:
    seen: list[list[str]] = []

    def gradually(training: Any) -> None:
        now = {name: view.copy() for name, view in training.network.named_parameters().items()}
        seen.append([name for name, view in now.items() if np.array_equal(view, values[name])])
        values.update(now)
        training.network.unfreeze(["dense_1", "encoder", "*"][len(seen) - 1])

    net = network()
    values = {name: view.copy() for name, view in net.named_parameters().items()}
    net.freeze("encoder", "dense_1")
    net.fit(X, Y, epochs=3, progress=False, callbacks=[gradually])
    assert seen == [NAMES[:4], NAMES[:2], []]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "freeze needs names"),
        (["nothing"], "no tensor is called 'nothing'"),
        ([3], "a layer or a pattern of tensors is a str"),
        (["*"], "freezes every tensor"),
    ],
)
def test_what_cannot_be(names: list[Any], message: str) -> None:
    net = network({"*.bias": {"lr_factor": 0.5}})
    with pytest.raises(ParameterError, match=message):
        net.freeze(*names)
    with pytest.raises(ParameterError, match="no tensor is called"):
        net.unfreeze("nothing")
    assert dict(net.groups) == {"*.bias": {"lr_factor": 0.5}}


def test_tensors_are_known_once_a_network_is_built() -> None:
    with pytest.raises(NotBuiltError, match="build"):
        nn.Sequential(nn.Dense(2)).freeze("dense_1")


def test_inner_layers() -> None:
    net = nn.Sequential(nn.Residual([nn.Dense(6), nn.BatchNorm()]), nn.Dense(2))
    net.build(6, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    net.freeze("residual_1")
    assert [name for name in frozen(net) if "dense_1.weight" in name] == ["residual_1.dense_1.weight"]

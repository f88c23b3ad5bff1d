"""Regularizers and constraints in files, texts and copies, also if their classes are missing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import parts
from network.years import plugin

import nncore as nn
from nncore.errors import MissingPluginError, ParameterError, PluginWarning

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
GROUPS = {
    "dense_2.weight": {"regularizer": {"name": "l1", "strength": 0.03}, "constraint": "non_negative"},
    "dense_2.bias": {"constraint": [nn.MaxNorm(0.01)], "lr_factor": 0.5},
}


def network(**rules: Any) -> nn.Sequential:
    layers = nn.Residual([nn.Dense(3, weight_regularizer=["l2", nn.L1(0.02)])]), nn.Dense(4, activation="tanh", **rules), nn.Dense(2)
    return nn.Sequential(*layers)


def fit(net: nn.Sequential, epochs: int = 1, **arguments: Any) -> nn.Sequential:
    net.fit(X, Y, loss="softmax_cross_entropy", epochs=epochs, batch_size=8, progress=False, rng=3, **arguments)
    return net


def trained() -> nn.Sequential:
    return fit(network(weight_constraint="unit_norm"), groups=GROUPS, optimizer=nn.Momentum(lr=0.1))


@pytest.mark.parametrize("how", ["copy", "pickle", "file"])
def test_a_copy_goes_on_with_the_same_bits(tmp_path: Path, how: str) -> None:
    net = trained()
    if how == "file":
        net.save(tmp_path / "net.nncore")
        other = nn.load(tmp_path / "net.nncore")
    else:
        other = copy.deepcopy(net) if how == "copy" else pickle.loads(pickle.dumps(net))
    assert other.describe() == net.describe()
    assert other.summary() == net.summary()
    assert repr(other.groups) == repr(net.groups)
    assert other.parameters.tobytes() == net.parameters.tobytes()
    for one in (net, other):
        fit(one, 2)
    assert other.parameters.tobytes() == net.parameters.tobytes()
    other.groups["dense_2.weight"]["regularizer"].strength = 1.0
    assert net.groups["dense_2.weight"]["regularizer"].strength == 0.03


def test_texts_name_them() -> None:
    net = trained()
    text = net.summary()
    assert "regularizer L1(strength=0.03) (native): dense_2.weight" in text
    assert "constraint UnitNorm() (native): dense_1.weight" in text
    rules = net.describe()["rules"]
    assert {"tensor": "dense_2.weight", "rung": "native", "kind": "constraints", "name": "non_negative"} in rules
    assert [rule["name"] for rule in rules if rule["tensor"] == "residual_1.dense_1.weight"] == ["l2", "l1"]


def test_the_constraint_holds_for_what_a_file_held(tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "net.nncore")
    loaded = nn.load(tmp_path / "net.nncore")
    assert (loaded.named_parameters()["dense_2.weight"] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(loaded.named_parameters()["dense_1.weight"], axis=0), 1, rtol=1e-6)


# ---- a plugin that is missing ---------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file of a network with a regularizer and a constraint of nncore-years, which is no longer installed."""
    path = tmp_path / "net.nncore"
    with plugin(tmp_path / "site", "1.0"):
        net = nn.Sequential(nn.Dense(4, weight_regularizer=["l1", {"name": "pull", "speed": 0.1}]), nn.Dense(2))
        fit(net, groups={"dense_2.weight": {"constraint": {"name": "box", "speed": 0.2}, "lr_factor": 0.5}})
        net.save(path)
    return path


@pytest.fixture
def loaded(saved: Path) -> nn.Sequential:
    with pytest.warns(PluginWarning, match="loaded for prediction: .*nncore-years 1.0") as caught:
        net = nn.load(saved)
    assert len(caught) == 1
    return net


def test_it_predicts_and_scores(saved: Path, loaded: nn.Sequential, tmp_path: Path) -> None:
    with plugin(tmp_path / "again", "1.0"):
        whole = nn.load(saved)
        assert whole.absent == {}
        assert loaded.predict(X).tobytes() == whole.predict(X).tobytes()
        assert loaded.evaluate(X, Y) == whole.evaluate(X, Y)


TRAINS: dict[str, Callable[[nn.Sequential], Any]] = {
    "fit": lambda net: net.fit(X, Y, epochs=1, progress=False),
    "train_on_batch": lambda net: net.train_on_batch(X, Y),
    "forward": lambda net: net.forward(X, training=True),
}


@pytest.mark.parametrize("how", TRAINS)
def test_training_names_what_is_missing_and_what_to_do(loaded: nn.Sequential, how: str) -> None:
    before = loaded.parameters.copy()
    with pytest.raises(MissingPluginError, match=r"not be trained as it is: .*nncore-years 1.0: pip install .*weight_regularizer = None"):
        TRAINS[how](loaded)
    np.testing.assert_array_equal(loaded.parameters, before)


def test_others_may_take_their_place(loaded: nn.Sequential) -> None:
    loaded.layers[0].weight_regularizer = "l2"
    with pytest.raises(MissingPluginError):
        loaded.fit(X, Y, epochs=1, progress=False)
    loaded.fit(X, Y, epochs=1, progress=False, groups={})
    assert loaded.absent == {}


def test_groups_alone_may_be_replaced_by_fit(saved: Path, tmp_path: Path) -> None:
    with pytest.warns(PluginWarning):
        net = nn.load(saved)
    net.layers[0].weight_regularizer = nn.L1(0.5)
    net.groups = {"*.bias": {"regularizer": "l2"}}
    assert net.absent == {}
    net.save(tmp_path / "again.nncore")
    assert nn.load(tmp_path / "again.nncore").layers[0].weight_regularizer.strength == 0.5


@pytest.mark.parametrize("copied", [lambda net: net, copy.deepcopy], ids=["itself", "copy"])
def test_saved_again_nothing_is_lost(saved: Path, loaded: nn.Sequential, tmp_path: Path, copied: Callable[[Any], Any]) -> None:
    copied(loaded).save(tmp_path / "again.nncore")
    assert parts((tmp_path / "again.nncore").read_bytes()) == parts(saved.read_bytes())


def test_an_older_file_is_upgraded(saved: Path, tmp_path: Path) -> None:
    with plugin(tmp_path / "later", "2.0"):
        net = nn.load(saved)
        assert net.layers[0].weight_regularizer[1].rate == 0.1
        assert net.groups["dense_2.weight"]["constraint"].rate == 0.2
        net.fit(X, Y, epochs=1, progress=False)


# ---- errors --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"dense_2.weight": {"regularizer": "l3"}}, "no regularizer 'l3'"),
        ({"dense_2.weight": {"constraint": "l1"}}, "'l1' is a regularizer"),
        ({"dense_2.weight": {"constraint": 3}}, "a constraint is needed"),
        ({"dense_9.weight": {"regularizer": "l1"}}, "no tensor is called 'dense_9.weight'"),
        ({"dense_2.weight": {"regulariser": "l1"}}, "no option 'regulariser'; there are .*regularizer, constraint"),
        ({"dense_2.weight": {"regularizer": {"name": "l1", "strength": -1}}}, r"strength must be a number in \[0, inf\)"),
        ({"dense_2.weight": {"regularizer": "l1", "frozen": True}}, "has a regularizer, but every tensor that it matches is frozen"),
        ({"dense_2.*": {"frozen": True}, "dense_2.bias": {"constraint": "max_norm"}}, "has a constraint, but every tensor"),
    ],
)
def test_bad_groups_are_refused_before_anything_changes(groups: dict[str, Any], message: str) -> None:
    net = trained()
    before = net.parameters.copy(), repr(net.groups), net.n_steps
    for change in (lambda: setattr(net, "groups", groups), lambda: fit(net, groups=groups)):
        with pytest.raises((ParameterError, LookupError), match=message):
            change()
        np.testing.assert_array_equal(net.parameters, before[0])
        assert (repr(net.groups), net.n_steps) == before[1:]


def test_a_frozen_tensor_among_others_is_left_out() -> None:
    net = fit(network(), groups={"*.weight": {"regularizer": "l1"}, "dense_1.*": {"frozen": True}})
    assert "dense_1.weight" not in [rule.tensor.name for rule in net.rules]


def test_without_a_bias_there_is_nothing_to_constrain() -> None:
    with pytest.raises(ParameterError, match="use_bias=False leaves no bias to regularize or constrain"):
        nn.Dense(3, use_bias=False, bias_constraint="non_negative")


def test_a_tied_tensor_has_those_of_the_layer_that_it_is_tied_to() -> None:
    layers = nn.Dense(5, activation="tanh", name="encoder", weight_regularizer="l1"), nn.Dense(3, tied_to="encoder.weight")
    net = nn.Sequential(*layers).build(3)
    assert [rule.tensor.name for rule in net.rules] == ["encoder.weight"]
    own = nn.Dense(3, tied_to="encoder.weight", weight_constraint="non_negative")
    with pytest.raises(ParameterError, match=r"dense_1\.weight has a regularizer or a constraint, and is tied to encoder\.weight"):
        nn.Sequential(layers[0], own).build(3)


def test_embedding_takes_them_for_every_table() -> None:
    codes = np.random.default_rng(1).integers(4, size=(40, 2)).astype(np.float32)
    net = nn.Sequential(nn.Embedding([4, 4], 3, weight_constraint=nn.MaxNorm(0.1, axis=1), weight_regularizer=["l2", "l1"]), nn.Dense(2))
    net.fit(codes, Y, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=1.0), epochs=30, progress=False, rng=0)
    for name in ("weight_0", "weight_1"):
        norms = np.linalg.norm(net.named_parameters()[f"embedding_1.{name}"], axis=1)
        assert 0.09 < norms.max() < 0.1001

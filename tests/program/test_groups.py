"""Parameter groups: frozen tensors, learning rates and weight decay of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import Optimizer, TensorSpan
from nncore.program import Blueprint, group_tensors
from nncore.program.groups import FROZEN
from nncore.testing import numpy_twin, team_of

OPTIMIZERS = [nn.get("optimizers", name)() for name in nn.names("optimizers")]


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(96, 5))
    return X, X @ rng.normal(size=(5, 2))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(8, activation="tanh"), nn.Dense(2))


def trained(optimizer: Any, **settings: Any) -> nn.Sequential:
    net = network().build(5, loss="mse", optimizer=optimizer, rng=3, dtype="float64")
    net.fit(*data(), epochs=3, batch_size=32, progress=False, **settings)
    return net


def planned(*names: str) -> Blueprint:
    """The blueprint of a network with the given tensors."""
    spans = tuple(TensorSpan(name, "weight", 0, 10 * i, 1, 10) for i, name in enumerate(names))
    return Blueprint((1,), (), spans, 10 * len(spans), 0)


def test_stretches_join_neighbours_that_are_trained_alike() -> None:
    grouping = group_tensors({"b*": {"frozen": True}, "d": {"lr_factor": 2}}, planned("a1", "a2", "b1", "b2", "c", "d"))
    assert list(grouping.stretches()) == [(0, 20, 0, 0), (20, 40, FROZEN, 0), (40, 50, 0, 20), (50, 60, 1, 0)]
    assert [tensor.name for tensor in grouping.tensors] == ["a1", "a2", "c", "d", "b1", "b2"]
    assert [tensor.name for tensor in grouping.tensors_of(1)] == ["d"]


def test_later_patterns_win_option_by_option() -> None:
    grouping = group_tensors({"*": {"lr_factor": 0.5, "frozen": True}, "b": {"frozen": False}}, planned("a", "b"))
    assert grouping.frozen == {"a"}
    assert grouping.groups[0].lr_factor == 0.5


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_frozen_tensors_keep_their_bits_and_the_others_train(optimizer: Optimizer, twin: bool) -> None:
    optimizer = numpy_twin(optimizer) if twin else optimizer
    before = network().build(5, rng=3, dtype="float64").named_parameters()
    net = trained(optimizer, groups={"dense_1.*": {"frozen": True}, "dense_3.bias": {"frozen": True}}, weight_decay=0.1)
    for name, value in net.named_parameters().items():
        is_frozen = name in ("dense_1.weight", "dense_1.bias", "dense_3.bias")
        assert np.array_equal(value, before[name]) == is_frozen, name


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_a_group_with_another_rate_steps_as_with_that_rate(optimizer: str, twin: bool) -> None:
    def make(lr: float) -> Optimizer:
        instance = nn.get("optimizers", optimizer)(lr=lr)
        return numpy_twin(instance) if twin else instance

    X, y = data()
    grouped, fast, slow = (network().build(5, loss="mse", optimizer=make(lr), rng=3, dtype="float64") for lr in (0.01, 0.02, 0.01))
    grouped.fit(X, y, epochs=1, batch_size=96, groups={"*.bias": {"lr_factor": 2.0}}, shuffle=False)
    fast.fit(X, y, epochs=1, batch_size=96, shuffle=False)
    slow.fit(X, y, epochs=1, batch_size=96, shuffle=False)
    for name, value in grouped.named_parameters().items():
        reference = fast if name.endswith("bias") else slow
        np.testing.assert_allclose(value, reference.named_parameters()[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_schedule_moves_all_groups() -> None:
    X, y = data()
    nets = [network().build(5, loss="mse", optimizer=nn.SGD(lr=lr), rng=3, dtype="float64") for lr in (0.1, 0.2)]
    nets[0].fit(X, y, epochs=2, batch_size=32, schedule="cosine", groups={"*": {"lr_factor": 2.0}})
    history = nets[1].fit(X, y, epochs=2, batch_size=32, schedule="cosine")
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-12)
    assert 0 < history["lr"][-1] < 0.2


def test_lr_column_is_the_optimizers_rate_whatever_the_groups() -> None:
    net = network()
    history = net.fit(*data(), loss="mse", optimizer=nn.SGD(lr=0.1), epochs=2, schedule="constant", groups={"*": {"lr_factor": 0.0}}, rng=0)
    assert history["lr"].tolist() == [0.1, 0.1]


def test_weight_decay_of_a_group_is_the_penalty() -> None:
    X, y = data()
    net = network().build(5, loss="mse", optimizer=nn.SGD(lr=0.1), rng=3, dtype="float64")
    net.named_parameters()["dense_1.bias"][:] = 1.0
    w = {name: value.copy() for name, value in net.named_parameters().items()}
    net.forward(X, training=True)
    plain = net.backward(y)
    g = {name: value.copy() for name, value in net.named_gradients().items()}
    decay = {"*": {"weight_decay": 0.5}, "dense_2.*": {"weight_decay": 0.0}}
    history = net.fit(X, y, epochs=1, batch_size=96, shuffle=False, weight_decay=0.3, groups=decay)
    decayed = [name for name in w if not name.startswith("dense_2")]
    for name, value in net.named_parameters().items():
        np.testing.assert_allclose(value, w[name] - 0.1 * (g[name] + (0.5 * w[name] if name in decayed else 0)), rtol=1e-11, atol=1e-14)
    assert history["loss"][0] == pytest.approx(plain + 0.25 * sum((w[name] ** 2).sum() for name in decayed), rel=1e-12)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_weight_decay_of_a_group_replaces_the_optimizers_own(twin: bool) -> None:
    def make(decay: float) -> Optimizer:
        return numpy_twin(nn.AdamW(weight_decay=decay)) if twin else nn.AdamW(weight_decay=decay)

    grouped = trained(make(0.1), groups={"*": {"weight_decay": 0.4}})
    np.testing.assert_allclose(grouped.parameters, trained(make(0.4)).parameters, rtol=1e-13)


@pytest.mark.parametrize("optimizer", ["adam", "block_coordinate"])
def test_same_bits_for_any_team_and_after_resuming(optimizer: str, tmp_path) -> None:
    groups = {"dense_2.*": {"frozen": True}, "*.bias": {"lr_factor": 0.1, "weight_decay": 0.2}}
    ends = []
    for n_parts in (1, 2, 3):
        with team_of(n_parts):
            ends.append(trained(optimizer, groups=groups, weight_decay=0.01).parameters)
    np.testing.assert_array_equal(ends[1], ends[0])
    np.testing.assert_array_equal(ends[2], ends[0])
    net = network().build(5, loss="mse", optimizer=optimizer, rng=3, dtype="float64")
    net.fit(*data(), epochs=1, batch_size=32, groups=groups, weight_decay=0.01)
    net.save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    again.fit(*data(), epochs=2, batch_size=32)
    np.testing.assert_array_equal(again.parameters, ends[0])


def test_settings_stay_until_others_are_given() -> None:
    net = trained("sgd", groups={"dense_1.*": {"frozen": True}})
    before = net.named_parameters()["dense_1.weight"].copy()
    net.fit(*data(), epochs=1)
    np.testing.assert_array_equal(net.named_parameters()["dense_1.weight"], before)
    net.fit(*data(), epochs=1, groups={})
    assert not np.array_equal(net.named_parameters()["dense_1.weight"], before)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"dense_9.*": {"frozen": True}}, r"no tensor is called 'dense_9\.\*'; there are dense_1\.weight"),
        ({"*": {"frozen": True}}, "freezes every tensor"),
        ({"*": {"rate": 2}}, "which has no number 'rate'; valid options are lr_factor, weight_decay, frozen, lazy, optimizer, lr\\. To"),
        ({"*": {"lr_factor": -1}}, "must be a number of at least 0"),
        ({"*": {"lr_factor": float("nan")}}, "must be a number of at least 0"),
        ({"*": {"frozen": "yes"}}, "must be True or False"),
        ({"*": 3}, "to a dict of options"),
        ("dense_1", "must be a dict"),
    ],
)
def test_bad_groups_change_nothing(groups: Any, message: str) -> None:
    net = trained("sgd")
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=message):
        net.fit(*data(), epochs=1, groups=groups)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.groups == {}


@pytest.mark.parametrize(
    ("groups", "fit", "message"),
    [
        ({"*": {"lazy": True}}, {}, r"dense_1.weight is not one: write a pattern that matches embedding_1.weight_0 alone"),
        ({"embedding_1.*": {"lazy": 1}}, {}, "must be True or False, got 1"),
        ({"embedding_1.*": {"lazy": True, "optimizer": "muon"}}, {}, "computes a step from whole tensors"),
        ({"embedding_1.*": {"lazy": True, "optimizer": nn.Lookahead("sgd")}}, {}, "acts on all parameters around each step"),
        ({"embedding_1.*": {"lazy": True, "optimizer": "schedule_free"}}, {}, "predicts with an average of all steps"),
        ({"embedding_1.*": {"lazy": True}}, {"weight_decay": 0.1}, "weight_decay=0.1 gives each of its rows a gradient in every step"),
        ({"embedding_1.*": {"lazy": True, "regularizer": "l2"}}, {}, r"L2\(.*\) changes all of its rows in every step"),
        ({"embedding_1.*": {"lazy": True, "constraint": nn.SoftThreshold(0.1), "optimizer": "sgd"}}, {}, "changes all of its rows"),
    ],
)
def test_lazy_is_refused_where_rows_cannot_be_left_out(groups: Any, fit: Any, message: str) -> None:
    (X, y), network = data(), nn.Sequential(nn.Embedding(9, 2), nn.Dense(2))
    with pytest.raises(ParameterError, match=message):
        network.fit(X[:, :1], y, loss="mse", groups=groups, epochs=1, progress=False, **fit)
    assert not network.is_built


def test_a_penalty_on_lazy_tensors_is_refused_when_it_is_set() -> None:
    (X, y), network = data(), nn.Sequential(nn.Embedding(9, 2), nn.Dense(2))
    groups = {"embedding_1.*": {"lazy": True, "constraint": nn.MaxNorm(1.0, axis=1)}}
    network.fit(X[:, :1], y, loss="mse", groups=groups, epochs=1, progress=False)
    with pytest.raises(ParameterError, match="add 'weight_decay': 0 to its group"):
        network.weight_decay = 0.1
    assert network.weight_decay == 0
    network.groups = {"embedding_1.*": {"lazy": True, "weight_decay": 0.0}}
    network.weight_decay = 0.1
    assert network.weight_decay == 0.1

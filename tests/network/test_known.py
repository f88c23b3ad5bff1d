"""Cached facts about a network are updated after every change."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ShapeError

X = np.random.default_rng(0).standard_normal((6, 2), np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3)).build(2, rng=0, loss="softmax_cross_entropy", optimizer="sgd")


def test_calls_find_it_once(net: nn.Sequential) -> None:
    net.predict(X)
    known = net._known
    net.train_on_batch(X, LABELS)
    net.forward(X, training=True)
    net.backward(LABELS)
    net.step()
    net.evaluate(X, LABELS)
    assert net._known is known


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.build(2, rng=1, dtype="float64"),
        lambda net: net.fit(X, X[:, :1].repeat(3, 1), loss="mse", epochs=0),
        lambda net: setattr(net, "loss", "mse"),
        lambda net: setattr(net, "optimizer", "adam"),
        lambda net: setattr(net, "groups", {"*.bias": {"frozen": True}}),
        lambda net: setattr(net.optimizer, "lr", 0.5),
        lambda net: setattr(net, "weight_decay", 0.1),
    ],
)
def test_it_is_gone_after_a_change(net: nn.Sequential, change: Callable[[nn.Sequential], object]) -> None:
    known = net._known
    change(net)
    assert net._known is not known
    assert (net._known.dtype, net._known.loss) == (net.dtype, net.loss)


def test_another_loss_takes_other_targets_and_has_another_link(net: nn.Sequential) -> None:
    net.train_on_batch(X, LABELS)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    net.loss = "mse"
    with pytest.raises(ShapeError, match="needs \\(n_samples, 3\\)"):
        net.train_on_batch(X, LABELS)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict(X))


def test_parts_of_a_step_leave_what_a_whole_one_leaves(net: nn.Sequential) -> None:
    twin = copy.deepcopy(net)
    weights = np.arange(1.0, 7.0)
    for given in (None, weights):
        loss = net.train_on_batch(X, LABELS, given)
        twin.forward(X, training=True)
        assert twin.backward(LABELS, given) == pytest.approx(loss, rel=1e-6)
        twin.step()
        np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_a_fit_that_changes_nothing_lets_no_program_take_anything_over(net: nn.Sequential) -> None:
    net.fit(X, LABELS, epochs=1, progress=False)
    version = net.version
    net.fit(X, LABELS, epochs=1, progress=False)
    assert net.version == version
    net.optimizer.lr = 0.5
    assert net.version > version


class Always(nn.plugin.Metric):
    """A constant score."""

    def __init__(self, what: float = 1.0) -> None:
        self.what = what

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.full((len(output), 1), self.what)


class AlwaysTwo(Always):
    def __init__(self) -> None:
        super().__init__(2.0)


class Judged(nn.plugin.Loss):
    """Squared errors with a metric of their own."""

    metrics = ("always",)

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return ((output - target) ** 2).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return 2 * (output - target)


def test_a_metric_that_is_registered_anew_counts_at_once() -> None:
    net = nn.Sequential(nn.Dense(1)).build(2, rng=0, loss=Judged())
    for cls, score in ((Always, 1.0), (AlwaysTwo, 2.0)):
        nn.register("metrics", cls, name="always")
        try:
            assert net.evaluate(X, LABELS)["always"] == net.evaluate(X, LABELS)["always"] == score
        finally:
            nn.unregister("metrics", "always")


def test_scores_are_of_the_data_of_their_own_call(net: nn.Sequential) -> None:
    right = net.predict(X).argmax(axis=1)
    weights = np.arange(6.0)
    for _ in range(2):
        assert net.evaluate(X, right)["accuracy"] == 1
        assert net.evaluate(X, (right + 1) % 3)["accuracy"] == 0
        assert net.evaluate(X[:3], np.r_[right[:1], (right[1:3] + 1) % 3])["accuracy"] == pytest.approx(1 / 3)
        wrong_last = np.r_[right[:5], (right[5:] + 1) % 3]
        assert net.evaluate(X, wrong_last, sample_weight=weights)["accuracy"] == pytest.approx(10 / 15)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(net)))
    assert twin.evaluate(X, right) == net.evaluate(X, right)


def test_what_a_metric_knows_of_targets_it_knows_of_no_others() -> None:
    net = nn.Sequential(nn.Dense(1)).build(2, rng=0, loss="mse")
    outputs = net.predict(X)
    for y in (outputs, outputs + 1, outputs * 2, outputs):
        expected = 1 - ((outputs - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        assert net.evaluate(X, y)["r2"] == pytest.approx(expected, rel=1e-4)

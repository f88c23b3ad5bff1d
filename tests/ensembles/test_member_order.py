"""Members of a TabM network in the order of a greedy selection."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.ensembles import member_order

K, N_ROWS = 5, 40


def ensemble(loss: Any, link: Any, n_outputs: int) -> nn.Sequential:
    net = nn.Sequential(nn.RepeatMembers(K), nn.MemberHeads(n_outputs), nn.MeanMembers(link)).build(3, loss=loss, rng=0, dtype="float64")
    net.parameters[:] += np.random.default_rng(1).normal(size=net.n_parameters)
    return net


CASES = [("mse", None, 2), ("softmax_cross_entropy", "softmax", 3), ("softmax_cross_entropy", "identity", 3), ("poisson", "exp", 1)]


@pytest.mark.parametrize(("loss", "link", "n_outputs"), [*CASES, ("binary_cross_entropy", "sigmoid", 2)])
def test_each_is_the_best_beside_those_before(loss, link, n_outputs):
    rng = np.random.default_rng(0)
    net, X, weights = ensemble(loss, link, n_outputs), rng.normal(size=(N_ROWS, 3)), rng.uniform(0.5, 2, N_ROWS)
    labels = rng.integers(n_outputs, size=N_ROWS)
    y = {"mse": rng.normal(size=(N_ROWS, 2)), "poisson": rng.poisson(2.0, (N_ROWS, 1)).astype(float)}.get(loss, labels)
    if loss == "binary_cross_entropy":
        y = rng.integers(2, size=(N_ROWS, 2)).astype(float)
    order, losses = member_order(net, X, y, weights)
    assert sorted(order.tolist()) == list(range(K))
    for size in range(1, K + 1):
        chosen = order[: size - 1].tolist()
        others = [m for m in range(K) if m not in chosen]
        found = {m: nn.keep_members(net, [*chosen, m]).evaluate(X, y, sample_weight=weights)["loss"] for m in others}
        assert losses[size - 1] == pytest.approx(min(found.values()), rel=1e-6)
        assert found[int(order[size - 1])] == pytest.approx(min(found.values()), rel=1e-6)


def test_of_many_rows_some_are_looked_at(monkeypatch):
    monkeypatch.setattr(sys.modules["nncore.ensembles.member_order"], "MOST_NUMBERS", 20)
    rng = np.random.default_rng(0)
    net, X, y = ensemble("mse", None, 2), rng.normal(size=(N_ROWS, 3)), rng.normal(size=(N_ROWS, 2))
    some, all_ = member_order(net, X, y, None), member_order(net, X[::4], y[::4], None)
    for one, other in itertools.zip_longest(some, all_):
        np.testing.assert_array_equal(one, other)

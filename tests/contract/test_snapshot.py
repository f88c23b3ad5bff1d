"""Snapshots of a network, which restore it."""

from __future__ import annotations

import numpy as np

import nncore as nn
from nncore.plugin import Snapshot


def test_restores_parameters_and_buffers_of_the_last_copy() -> None:
    X = np.random.default_rng(0).normal(size=(32, 3))
    net = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(1))
    net.fit(X, X[:, 0], loss="mse", epochs=1, rng=0, progress=False)
    snapshot, early = Snapshot(net), net.predict(X)
    net.fit(X, X[:, 0], epochs=1, progress=False)
    late = net.predict(X)
    assert not np.array_equal(early, late)
    snapshot.restore(net)
    np.testing.assert_array_equal(net.predict(X), early)
    net.fit(X, X[:, 0], epochs=3, progress=False)
    snapshot.update(net)
    later = net.predict(X)
    net.fit(X, X[:, 0], epochs=1, progress=False)
    snapshot.restore(net)
    np.testing.assert_array_equal(net.predict(X), later)


def test_a_copy_is_no_live_view_after_which_a_fit_looks_at_all_parameters() -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0)
    before = net._knobs.version.copy()
    snapshot, copied = Snapshot(net), net.copy_parameters()
    snapshot.update(net)
    np.testing.assert_array_equal(net._knobs.version, before)
    np.testing.assert_array_equal(copied, net.parameters)
    assert not np.shares_memory(copied, net.parameters)
    assert net.copy_parameters(copied) is copied

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.callbacks import time_limit
from nncore.errors import ParameterError

X = np.random.default_rng(0).normal(size=(2000, 3))


class Clock:
    """A clock that only the test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time_limit, "monotonic", lambda: self.now)

    def tick(self, training: Any) -> None:
        self.now += 1


def fit(net: nn.Sequential, *callbacks: Any, epochs: int = 50, **arguments: Any) -> nn.History:
    return net.fit(X, X[:, 0], loss="mse", epochs=epochs, callbacks=callbacks, progress=False, rng=0, **arguments)


def test_it_ends_the_fit(monkeypatch: pytest.MonkeyPatch):
    clock, net = Clock(monkeypatch), nn.Sequential(nn.Dense(1))
    history = fit(net, clock.tick, nn.TimeLimit(3))
    assert len(history) == net.n_epochs == 3
    assert history.stop_reason == "the time limit of 3 s was reached"


def test_it_ends_the_fit_within_an_epoch(monkeypatch: pytest.MonkeyPatch):
    """The limit ends the fit between two slices of an epoch, and the unfinished epoch has no row in the history."""
    clock, net = Clock(monkeypatch), nn.Sequential(nn.Dense(1))
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 1e-9)  # a slice is a step
    history = fit(net, nn.LambdaCallback(on_progress=clock.tick), nn.TimeLimit(50), batch_size=100)  # 20 steps an epoch
    assert (len(history), net.n_epochs, net.n_steps) == (2, 2, 50)
    assert np.isfinite(net.parameters).all()


def test_an_epoch_that_is_done_is_recorded_although_the_time_is_over(monkeypatch: pytest.MonkeyPatch):
    clock, net, twin = Clock(monkeypatch), nn.Sequential(nn.Dense(1)), nn.Sequential(nn.Dense(1))
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 1e-9)
    history = fit(net, nn.LambdaCallback(on_progress=clock.tick), nn.TimeLimit(40), batch_size=100, validation=(X, X[:, 0]))
    assert (len(history), net.n_epochs, net.n_steps) == (2, 2, 40)
    assert np.isfinite(history["val_loss"]).all()
    fit(twin, epochs=2, batch_size=100)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_time_begins_with_each_fit(monkeypatch: pytest.MonkeyPatch):
    clock, net, limit = Clock(monkeypatch), nn.Sequential(nn.Dense(1)), nn.TimeLimit(2)
    for _ in range(2):
        assert len(fit(net, clock.tick, limit)) == 2


def test_a_fit_that_is_fast_enough():
    assert fit(nn.Sequential(nn.Dense(1)), nn.TimeLimit(600), epochs=2).stop_reason == "all epochs done"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "60", None])
def test_seconds_are_checked(seconds: Any):
    with pytest.raises(ParameterError, match="seconds must be"):
        nn.TimeLimit(seconds)

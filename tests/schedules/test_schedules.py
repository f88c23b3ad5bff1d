"""Schedules: their formulas, and their use by `fit`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError, PluginError
from nncore.plugin import Schedule
from nncore.testing import numpy_twin

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 3)), RNG.integers(2, size=100)


class Counting(Schedule):
    """Powers of a half, so that every step can be recognised by its rate."""

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return 0.5**step


def network(optimizer: object = None) -> nn.Sequential:
    optimizer = nn.SGD(lr=0.5) if optimizer is None else optimizer
    return nn.Sequential(nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer=optimizer, rng=0, dtype="float64")


def fit(net: nn.Sequential, epochs: int, **arguments: object) -> nn.History:
    return net.fit(X, Y, **{"epochs": epochs, "batch_size": 30, "progress": False, **arguments})


@pytest.mark.parametrize("name", registry.names("schedules"))
def test_factors_are_sound(name: str) -> None:
    schedule = registry.get("schedules", name)()
    factor = schedule.factor(np.arange(1000), 1000)
    assert factor.shape == (1000,)
    assert np.isfinite(factor).all()
    assert (factor >= 0).all()
    np.testing.assert_array_equal(schedule.factor(np.arange(500, 600), 1000), factor[500:600])
    assert schedule.factor(np.arange(0), 10).shape == (0,)


def test_cosine_by_its_formula() -> None:
    cosine = registry.resolve("schedules", {"name": "cosine", "last": 0.2})
    np.testing.assert_allclose(cosine.factor(np.array([0, 50, 100]), 100), [1, 0.6, 0.2], atol=1e-15)
    with pytest.raises(ParameterError, match="last must be"):
        type(cosine)(last=2)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_every_step_has_its_own_rate(twin: bool, drop_last: bool) -> None:
    optimizer = numpy_twin(nn.SGD(lr=0.5)) if twin else nn.SGD(lr=0.5)
    scheduled, by_hand = network(optimizer), network()
    history = fit(scheduled, 3, schedule=Counting(), shuffle=False, drop_last=drop_last)
    step = 0
    for _ in range(3):
        for start in range(0, 90 if drop_last else 100, 30):
            by_hand.optimizer.lr = 0.5 * 0.5**step
            by_hand.train_on_batch(X[start : start + 30], Y[start : start + 30])
            step += 1
    np.testing.assert_allclose(scheduled.parameters, by_hand.parameters, rtol=1e-12)
    assert history["lr"][-1] == 0.5 * 0.5 ** (step - 1)
    assert scheduled.optimizer.lr == 0.5


def test_rate_comes_back_after_the_schedule_ends() -> None:
    net = network()
    fit(net, 1, schedule="cosine")
    fit(net, 1)
    assert net.schedule is None
    before = net.parameters.copy()
    net.train_on_batch(X, Y)
    net.train_on_batch(X, Y)
    assert np.abs(net.parameters - before).max() > 1e-4


def test_an_interrupted_schedule_goes_on_where_it_was() -> None:
    class Stop(nn.plugin.Callback):
        def on_epoch_end(self, training: object) -> None:
            if training.epoch == 2:
                training.stop("power cut")

    whole, parts = network(nn.Adam(lr=0.1)), network(nn.Adam(lr=0.1))
    fit(whole, 5, schedule="cosine")
    fit(parts, 5, schedule="cosine", callbacks=[Stop()])
    fit(parts, 3)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)


def test_a_fit_that_takes_longer_than_planned_stays_at_the_last_rate() -> None:
    class Stop(nn.plugin.Callback):
        def on_epoch_end(self, training: object) -> None:
            training.stop("power cut")

    net = network()
    fit(net, 2, schedule={"name": "cosine", "last": 0.25}, callbacks=[Stop()])
    history = fit(net, 5)
    np.testing.assert_allclose(history["lr"][1:], 0.5 * 0.25, rtol=1e-12)


def test_an_interrupted_schedule_goes_on_from_a_file(tmp_path) -> None:
    whole, part = network(nn.Adam(lr=0.1)), network(nn.Adam(lr=0.1))
    fit(whole, 4, schedule={"name": "cosine", "last": 0.1})

    class Stop(nn.plugin.Callback):
        def on_epoch_end(self, training: object) -> None:
            training.stop("power cut")

    fit(part, 4, schedule={"name": "cosine", "last": 0.1}, callbacks=[Stop()])
    part.save(tmp_path / "part.nncore")
    loaded = nn.load(tmp_path / "part.nncore")
    fit(loaded, 3)
    np.testing.assert_array_equal(loaded.parameters, whole.parameters)


@pytest.mark.parametrize("result", [np.array([-1.0]), np.array([np.nan]), np.ones(7), 1.0])
def test_bad_factors_are_refused(result: object) -> None:
    class Bad(Schedule):
        def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
            return result

    net = network()
    before = net.parameters.copy()
    with pytest.raises(PluginError, match="must return 1 finite numbers"):
        fit(net, 1, schedule=Bad(), batch_size=100)
    np.testing.assert_array_equal(net.parameters, before)


class Slowing(Schedule):
    """Halves the rate after every epoch."""

    def __init__(self) -> None:
        self.restore({})

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return np.full(len(step), 0.5**self.n_epochs)

    def observe(self, history: nn.History) -> None:
        self.n_epochs += 1
        self.seen.append(history["loss"][-1])

    def state(self) -> dict[str, float]:
        return {"n_epochs": self.n_epochs} if self.n_epochs else {}

    def restore(self, state: dict[str, float]) -> None:
        self.n_epochs = int(state.get("n_epochs", 0))
        self.seen: list[float] = []


def test_a_schedule_observes_every_epoch() -> None:
    net, schedule = network(), Slowing()
    history = fit(net, 4, schedule=schedule)
    np.testing.assert_array_equal(history["lr"], 0.5 * 0.5 ** np.arange(4))
    assert net.schedule.seen == list(history["loss"])
    assert schedule.n_epochs == 0  # the network has its own copy
    fit(net, 1, schedule=schedule)
    assert net.schedule.n_epochs == 1  # the first schedule was at its end, so a new one begins


def test_what_a_schedule_observed_outlives_an_interruption() -> None:
    class Stop(nn.plugin.Callback):
        def on_epoch_end(self, training: object) -> None:
            training.stop("power cut")

    whole, part = network(nn.Adam(lr=0.1)), network(nn.Adam(lr=0.1))
    fit(whole, 3, schedule=Slowing())
    fit(part, 3, schedule=Slowing(), callbacks=[Stop()])
    part = pickle.loads(pickle.dumps(part))
    fit(part, 2, schedule=Slowing())
    np.testing.assert_array_equal(part.parameters, whole.parameters)


def test_state_is_nothing_unless_a_schedule_keeps_one() -> None:
    schedule = registry.resolve("schedules", "cosine")
    assert schedule.state() == {}
    schedule.restore({})
    with pytest.raises(ParameterError, match=r"keeps no state, got \['wait'\]"):
        schedule.restore({"wait": 1.0})
